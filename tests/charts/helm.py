"""Run Helm on the charts of this repository."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
KUBE_VERSION = "1.34.0"


def tool(name: str) -> str:
    """Return the path of a program from PATH, else from .tools/bin; raise FileNotFoundError."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(REPOSITORY / ".tools/bin")])
    found = shutil.which(name, path=path)
    if found is None:
        raise FileNotFoundError(f"{name} is neither on PATH nor in .tools/bin: run `hack/tools {name}`")
    return found


def default_program() -> str:
    """Return the path of Helm (3 or 4): $HELM, else that of the tool; raise FileNotFoundError."""
    return os.environ.get("HELM") or tool("helm")


def run(*arguments: str, program: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run Helm without access to a cluster; return its exit code and output."""
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    return subprocess.run(
        [program or default_program(), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


@functools.cache
def charts() -> Path:
    """Return a copy of the folder charts/ with built dependencies, which leaves the sources unchanged."""
    copy = Path(tempfile.mkdtemp(prefix="efishery-charts-"))
    atexit.register(shutil.rmtree, copy)
    shutil.copytree(REPOSITORY / "charts", copy, dirs_exist_ok=True, ignore=lambda folder, _: _packages(Path(folder)))
    built = run("dependency", "build", str(copy / "efishery"))
    if built.returncode:
        raise RuntimeError(f"helm dependency build failed: {built.stderr}")
    return copy


def _packages(folder: Path) -> list[str]:
    """Return the names to leave out of a copy of `folder`: packaged dependencies, which may be outdated."""
    return ["charts"] if (folder / "Chart.yaml").exists() else []


def template(chart: str, *arguments: str, program: str | None = None) -> subprocess.CompletedProcess[str]:
    """Render `chart` as release `efishery` in namespace `efishery`."""
    location = ["efishery", str(charts() / chart), "--namespace", "efishery", "--kube-version", KUBE_VERSION]
    return run("template", *location, *arguments, program=program)
