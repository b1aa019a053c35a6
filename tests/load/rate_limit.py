"""The gateway's rate limit in k8s/istio: its buckets, and copies of the manifests with other ones."""

import re
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml

ISTIO = Path(__file__).parents[2] / "k8s/istio/base"
FILE = "envoyfilter-rate-limit.yaml"
ONE_ADDRESS = ISTIO.parent / "components/one-address/kustomization.yaml"


class Bucket(NamedTuple):
    """Requests a second, and how many at once after a pause."""

    rate: int
    burst: int

    @classmethod
    def of(cls, token_bucket: dict[str, Any]) -> Self:
        """Read Envoy's TokenBucket."""
        assert token_bucket["fill_interval"] == "1s"
        return cls(token_bucket["tokens_per_fill"], token_bucket["max_tokens"])

    def wait_until_full(self) -> None:
        """Wait until a whole burst passes again."""
        time.sleep(self.burst / self.rate + 0.5)


def of_one_address() -> Bucket:
    """Return the limit of logins, registrations, refreshes and changes of password or name of each client address."""
    return Bucket.of(config(_manifest())["descriptors"][0]["token_bucket"])


def total() -> Bucket:
    """Return that of all clients together."""
    return Bucket.of(config(_manifest())["descriptors"][1]["token_bucket"])


def copy_for_one_address(folder: Path) -> Path:
    """Copy k8s/istio/base with the patch of components/one-address, for tests whose clients all have one address."""
    (patch,) = yaml.safe_load(ONE_ADDRESS.read_text())["patches"]
    manifest = _manifest()
    for operation in yaml.safe_load(patch["patch"]):
        found = re.search(r"/typed_config/descriptors/(\d)/token_bucket$", operation["path"])
        assert found
        config(manifest)["descriptors"][int(found[1])]["token_bucket"] = operation["value"]
    return _copy(manifest, folder)


def copy_with_other_limits_of_all_requests(folder: Path, *, one_address: Bucket, together: Bucket) -> Path:
    """Copy k8s/istio/base with other limits of requests of any kind."""
    manifest = _manifest()
    limits = config(manifest)
    for limit, bucket in ((limits, together), (limits["descriptors"][2], one_address)):
        limit["token_bucket"] |= {"tokens_per_fill": bucket.rate, "max_tokens": bucket.burst}
    return _copy(manifest, folder)


def _manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((ISTIO / FILE).read_text())
    return manifest


def config(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the rate limit filter's configuration in a manifest."""
    (patch,) = manifest["spec"]["configPatches"]
    found: dict[str, Any] = patch["patch"]["value"]["typed_config"]
    return found


def _copy(manifest: dict[str, Any], folder: Path) -> Path:
    copy = folder / "istio"
    shutil.copytree(ISTIO, copy)
    (copy / FILE).write_text(yaml.safe_dump(manifest))
    return copy
