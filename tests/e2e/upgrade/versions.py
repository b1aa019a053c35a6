"""The two versions of the upgrade: the last release, as CHANGELOG.md names its commit, and the working tree."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.cluster import NAMESPACE, RELEASE, run

# A released version, and the line below it that names its commit.
RELEASED = re.compile(r"^## \[(?P<version>\d[^]]*)\].*\nCommit (?P<commit>[0-9a-f]{40})\b", re.MULTILINE)


@dataclass(frozen=True)
class Version:
    """A version's sources, and the tag of its images."""

    root: Path
    tag: str

    def up(self, *steps: str, seconds: float = 900) -> None:
        """Run this version's hack/up."""
        run(self.root, "env", f"IMAGE_TAG={self.tag}", "hack/up", *steps, seconds=seconds)

    def gateway_url(self) -> str:
        """Return the URL at which this version's mesh manifests let clients in."""
        return run(self.root, "hack/gateway-url").strip()


def previous_release(changelog: str) -> tuple[str, str]:
    """Return the version and the commit of the newest release in the changelog."""
    released = RELEASED.search(changelog)
    assert released, "CHANGELOG.md names no release with its commit"
    return released["version"], released["commit"]


def unpack_previous(repository: Path, folder: Path) -> Version:
    """Write the sources of the last release into `folder`."""
    tag, commit = previous_release((repository / "CHANGELOG.md").read_text())
    archive = folder / "sources.tar"
    run(repository, "git", "archive", "--output", str(archive), commit)
    root = folder / "sources"
    root.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", root], check=True, timeout=60)
    return Version(root, tag)


def working_tree(repository: Path) -> Version:
    """Return the version of the working tree, with the tag that `make up` uses."""
    return Version(repository, os.environ.get("IMAGE_TAG", "dev"))


def roll_back(repository: Path) -> None:
    """Go back to the revision before, as an operator does."""
    command = ["helm", "rollback", RELEASE, "--namespace", NAMESPACE, "--wait", "--timeout", "10m"]
    run(repository, *command, seconds=620)
