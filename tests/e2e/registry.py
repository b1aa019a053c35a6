"""The registry that the cluster pulls from, with the images and charts of the working tree."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from tests.e2e.cluster import run

# The values that the images of each service belong to.
SERVICES = {
    "auth": "auth",
    "fetch": "fetch",
    "docs": "docs",
    "rate-cron": "rateCron",
    "sample": "sample",
    "mysql-agent": "mysql.agent",
}
MANIFEST_TYPES = "application/vnd.oci.image.index.v1+json,application/vnd.docker.distribution.manifest.list.v2+json"


@dataclass(frozen=True)
class Published:
    """Images and charts in a registry."""

    registry: str
    version: str

    @property
    def chart(self) -> str:
        """The chart's URL."""
        return f"oci://{self.registry}/efishery/charts/efishery"

    @property
    def has_tls(self) -> bool:
        """Whether clients reach the registry by HTTPS."""
        return not self.registry.startswith("localhost:")

    def digest_values(self) -> list[str]:
        """Return the values by which a release uses these images, and none that a node has under the same tag."""
        return [f"{SERVICES[service]}.image.digest={digest}" for service, digest in self.digests().items()]

    def digests(self) -> dict[str, str]:
        """Return the digest of each service's manifest list."""
        return {service: self._digest(service) for service in SERVICES}

    def _digest(self, service: str) -> str:
        scheme = "https" if self.has_tls else "http"
        url = f"{scheme}://{self.registry}/v2/efishery/{service}/manifests/{self.version}"
        response = requests.get(url, headers={"Accept": MANIFEST_TYPES}, timeout=30)
        assert response.status_code == 200, response.text
        (manifest,) = response.json()["manifests"]
        assert manifest["platform"]["architecture"] == "amd64"
        return response.headers["Docker-Content-Digest"]


def publish(repository: Path) -> Published:
    """Publish images and charts as README.md says."""
    script = "source hack/lib.sh; [ $(cluster_kind) != one-node ] || one_node REGISTRY"
    registry = os.environ.get("REGISTRY") or run(repository, "bash", "-c", script).strip()
    if not registry:
        pytest.skip("needs a registry that this cluster pulls from: set REGISTRY=registry.example")
    version = str(yaml.safe_load((repository / "charts/efishery/Chart.yaml").read_text())["version"])
    names = {"REGISTRY": registry, "IMAGE_TAG": version, "PUSH_IMAGE": "true", "PLATFORMS": "linux/amd64"}
    environment = [f"{name}={value}" for name, value in names.items()]
    run(repository, "env", *environment, "hack/images", *SERVICES)
    run(repository, "env", *environment, "hack/package")
    return Published(registry, version)
