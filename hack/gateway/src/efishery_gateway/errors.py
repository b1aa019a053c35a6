"""The exception of this package."""


class GatewayError(Exception):
    """A manifest cannot be read or uses what this gateway cannot do; the text says which and why."""
