"""Sets of GTIDs as the simulated mysqld computes them; apart from the agent's own code."""

from __future__ import annotations

from functools import lru_cache

Gtids = frozenset[tuple[str, int]]


@lru_cache(maxsize=4096)
def parse(text: str) -> Gtids:
    """Read MySQL's form, without tags."""
    found: set[tuple[str, int]] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        source, *intervals = part.split(":")
        for interval in intervals:
            first, _, last = interval.partition("-")
            found.update((source, number) for number in range(int(first), int(last or first) + 1))
    return frozenset(found)


def write(gtids: Gtids) -> str:
    """Write MySQL's form."""
    parts: list[str] = []
    for source in sorted({source for source, _ in gtids}):
        numbers = sorted(number for of, number in gtids if of == source)
        starts = [number for number in numbers if (source, number - 1) not in gtids]
        ends = [number for number in numbers if (source, number + 1) not in gtids]
        intervals = (
            f"{first}-{last}" if last > first else f"{first}" for first, last in zip(starts, ends, strict=True)
        )
        parts.append(":".join((source, *intervals)))
    return ",\n".join(parts)
