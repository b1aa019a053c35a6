"""What a member stores beside its data: its group, the epoch in which it entered it last, and the last view it saw."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from efishery_mysql_agent import wire
from efishery_mysql_agent.model import View


@dataclass(frozen=True)
class Stored:
    """The stored state; None where nothing is stored yet."""

    group: str | None = None
    view: View | None = None
    epoch: int = 0


class Store:
    """A JSON file on the member's volume; `current` is its content."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "group.json"
        self.current = self._read()

    def write(self, stored: Stored) -> None:
        """Replace the file atomically; raises OSError, as on a full disk."""
        if stored == self.current:
            return
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump({"group": stored.group, "view": wire.dump_view(stored.view), "epoch": stored.epoch}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self.current = stored

    def clear(self) -> None:
        """Remove the file, before the data are replaced; raises OSError."""
        self._path.unlink(missing_ok=True)
        self.current = Stored()

    def _read(self) -> Stored:
        try:
            body = json.loads(self._path.read_text())
            return Stored(body["group"], wire.load_view(body["view"]), int(body.get("epoch", 0)))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return Stored()
