"""A post-renderer of Helm 4 that gives each pod ids that no image knows, as OpenShift does with `restricted-v2`.

Helm 4 runs it as a plugin, for hooks too; Helm 3 leaves them out.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

NAME = "foreign-uid"
UID = 1000650000  # in the range of a project of OpenShift
IDS = {"runAsUser": UID, "runAsGroup": 0, "fsGroup": UID}


def write_plugin(folder: Path) -> None:
    """Write the plugin into `folder`, which HELM_PLUGINS then names."""
    run = {"platformCommand": [{"command": sys.executable, "args": [__file__]}]}
    kind = {"apiVersion": "v1", "type": "postrenderer/v1", "runtime": "subprocess"}
    plugin = {"name": NAME, "version": "0.1.0", **kind, "runtimeConfig": run}
    (folder / NAME).mkdir(parents=True)
    (folder / NAME / "plugin.yaml").write_text(yaml.safe_dump(plugin))


def pod_spec(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return the spec of the pods that an object is or makes; None if it makes none."""
    spec: dict[str, Any] = manifest.get("spec") or {}
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if manifest["kind"] != "Pod":
        spec = spec.get("template", {}).get("spec", {})
    return spec if "containers" in spec else None


def _main() -> None:
    manifests = [manifest for manifest in yaml.safe_load_all(sys.stdin) if manifest]
    for manifest in manifests:
        if spec := pod_spec(manifest):
            spec["securityContext"] |= IDS
    yaml.safe_dump_all(manifests, sys.stdout)


if __name__ == "__main__":
    _main()
