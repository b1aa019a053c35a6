"""Copies of the project's scripts, among programs that only write down how they were called."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """A folder with some of the repository's scripts, and stand-ins first on PATH; nothing real is in reach."""

    root: Path
    repository: Path

    def copy(self, *scripts: str) -> None:
        """Bring scripts of the repository."""
        for script in scripts:
            target = self.root / script
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.repository / script, target)

    def stand_in(self, path: str, code: str = "") -> None:
        """Make a program that adds its name and arguments to `calls` and then does `code` (sh)."""
        program = self.root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >>"{self.root}/calls"\n{code}\n')
        program.chmod(0o755)

    def start(self, script: str, **environment: str) -> subprocess.Popen[str]:
        """Start a script."""
        path = f"{self.root}/bin:{os.environ['PATH']}"
        isolated = {"PATH": path, "HOME": str(self.root), "KUBECONFIG": os.devnull, **environment}
        pipe = subprocess.PIPE
        return subprocess.Popen([self.root / script], env=isolated, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def run(self, script: str, **environment: str) -> tuple[int, str]:
        """Run a script; answer its exit code and what it printed."""
        with self.start(script, **environment) as running:
            printed = running.communicate(timeout=30)[0]
            return running.returncode, printed

    @property
    def calls(self) -> list[str]:
        """The command lines of the stand-ins so far."""
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []
