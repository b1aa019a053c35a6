"""Sets of global transaction identifiers, as MySQL writes them.

MySQL manual, "GTID Format and Storage": `uuid:1-5:7,uuid:tag:3`, intervals with both ends included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Interval = tuple[int, int]


@dataclass(frozen=True)
class GtidSet:
    """For each source (`uuid` or `uuid:tag`) its intervals: sorted, apart from each other, none empty."""

    sources: tuple[tuple[str, tuple[Interval, ...]], ...] = ()

    @classmethod
    def parse(cls, text: str) -> GtidSet:
        """Read MySQL's form; raises ValueError for anything else."""
        found: dict[str, list[Interval]] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            for source, interval in _intervals(part):
                found.setdefault(source, []).append(interval)
        return cls.of(found)

    @classmethod
    def of(cls, sources: dict[str, list[Interval]]) -> GtidSet:
        """Make a set from intervals in any order."""
        merged = {source: _merged(intervals) for source, intervals in sources.items()}
        return cls(tuple(sorted((source, intervals) for source, intervals in merged.items() if intervals)))

    def __bool__(self) -> bool:
        return bool(self.sources)

    def __or__(self, other: GtidSet) -> GtidSet:
        both: dict[str, list[Interval]] = {}
        for source, intervals in (*self.sources, *other.sources):
            both.setdefault(source, []).extend(intervals)
        return GtidSet.of(both)

    def __sub__(self, other: GtidSet) -> GtidSet:
        gone = dict(other.sources)
        return GtidSet.of({source: _minus(own, gone.get(source, ())) for source, own in self.sources})

    def __le__(self, other: GtidSet) -> bool:
        return not self - other

    def __str__(self) -> str:
        return ",".join(":".join([source, *map(_written, intervals)]) for source, intervals in self.sources)


def _intervals(part: str) -> Iterator[tuple[str, Interval]]:
    """Yield source and interval of each interval in `uuid[:tag]:interval[:interval…][:tag:interval…]`."""
    uuid, *rest = part.split(":")
    source = uuid.lower()
    for word in rest:
        if word[:1].isdigit():
            first, _, last = word.partition("-")
            yield source, (int(first), int(last or first))
        else:
            source = f"{uuid.lower()}:{word.lower()}"


def _merged(intervals: list[Interval]) -> tuple[Interval, ...]:
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _minus(own: tuple[Interval, ...], gone: tuple[Interval, ...]) -> list[Interval]:
    left = list(own)
    for first, last in gone:
        left = [piece for interval in left for piece in _cut(interval, first, last)]
    return left


def _cut(interval: Interval, first: int, last: int) -> list[Interval]:
    """Return what is left of an interval without `first` to `last`."""
    pieces = [(interval[0], min(interval[1], first - 1)), (max(interval[0], last + 1), interval[1])]
    return [piece for piece in pieces if piece[0] <= piece[1]]


def _written(interval: Interval) -> str:
    first, last = interval
    return str(first) if first == last else f"{first}-{last}"
