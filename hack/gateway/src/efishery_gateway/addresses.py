"""Addresses, where the gateway listens and where the services do."""

from typing import Any, NamedTuple, Self


class Address(NamedTuple):
    """A host name or IP address, and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `host:port`; raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise ValueError(f"{text} is no address: give host:port, as in auth:8080")
        return cls(host, int(port))

    def envoy(self) -> dict[str, Any]:
        """Return it as Envoy's configuration has it."""
        return {"socket_address": {"address": self.host, "port_value": self.port}}
