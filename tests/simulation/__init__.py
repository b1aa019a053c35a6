"""A deterministic simulation of the MySQL agents: see docs/adr/0085."""
