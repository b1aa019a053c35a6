"""Compare sets of GTIDs. The local mysqld does it (MySQL manual, "Functions Used with Global Transaction Identifiers").

A list of sets, joined by commas, is their union.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations

from efishery_mysql_agent.mysql import Mysql


def subtract(mysql: Mysql, gtids: str, *others: str) -> str:
    """Return the GTIDs that none of the others has."""
    return str(mysql.rows("SELECT GTID_SUBTRACT(%s, %s) AS gtids", (gtids, ",".join(others)))[0]["gtids"])


def is_subset(mysql: Mysql, gtids: str, of: str) -> bool:
    """Whether the other set has all of these GTIDs."""
    return bool(mysql.rows("SELECT GTID_SUBSET(%s, %s) AS is_subset", (gtids, of))[0]["is_subset"])


def ordered(mysql: Mysql, sets: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Return each pair of keys of which the second has all GTIDs of the first."""
    return ((less, more) for less, more in permutations(sets, 2) if is_subset(mysql, sets[less], sets[more]))
