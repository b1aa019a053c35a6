"""Reference implementations that serve the same list as the service."""
