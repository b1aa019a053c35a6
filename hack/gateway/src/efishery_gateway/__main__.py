"""`python -m efishery_gateway auth=auth:8080 …`: writes Envoy's configuration and becomes Envoy."""

import argparse
import json
import os
import sys
from pathlib import Path

from efishery_gateway import envoy
from efishery_gateway.addresses import Address
from efishery_gateway.configuration import configuration
from efishery_gateway.errors import GatewayError


def main(arguments: list[str] | None = None) -> None:
    """Replace this process with Envoy; raises SystemExit when there is no valid configuration."""
    options = _parser().parse_args(arguments)
    try:
        config = configuration(options.istio, options.listen, dict(options.services))
    except GatewayError as error:
        sys.exit(f"gateway: {error}")
    options.config.write_text(json.dumps(config, indent=1))
    command = envoy.command(options.config)
    os.execv(command[0], command)  # noqa: S606 -- this is the container's process


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m efishery_gateway", description="Envoy, by the files of k8s/istio.")
    parser.add_argument("services", nargs="+", type=_service, metavar="NAME=HOST:PORT", help="a Service's address")
    parser.add_argument("--istio", type=Path, default=Path("/etc/istio"), help="folder of k8s/istio/base (%(default)s)")
    parser.add_argument("--listen", type=_address, default="0.0.0.0:8080", help="the gateway's address (%(default)s)")
    parser.add_argument("--config", type=Path, default=Path("/tmp/envoy.json"), help="file to write (%(default)s)")  # noqa: S108 -- the container's own
    return parser


def _service(text: str) -> tuple[str, Address]:
    name, _, address = text.partition("=")
    return name, _address(address)


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    main()
