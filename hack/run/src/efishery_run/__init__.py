"""Starts the whole system on one machine: real services, Envoy as the gateway, SQLite and a Redis beside them."""
