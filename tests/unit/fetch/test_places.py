"""A swapped province and city are recognized only when it is certain."""

import pytest

from efishery_fetch.places import ALSO_CITIES, OTHER_NAMES, PROVINCES, are_swapped


@pytest.mark.parametrize(
    ("province", "city"),
    [
        ("BULELENG", "BALI"),
        ("KOTA TUA", "DKI JAKARTA"),
        ("BANTUL", "DI YOGYAKARTA"),
        ("SLEMAN", "DAERAH ISTIMEWA YOGYAKARTA"),
        ("ASDF", "PAPUA BARAT DAYA"),
        ("YOGYA", "D.I. YOGYAKARTA"),
    ],
)
def test_recognizes_a_swap(province: str, city: str) -> None:
    assert are_swapped(province, city)
    assert not are_swapped(city, province)


@pytest.mark.parametrize(
    ("province", "city"),
    [
        ("BALI", "BULELENG"),
        ("BALI", "BALI"),
        ("BALI", "RIAU"),
        ("DI YOGYAKARTA", "YOGYAKARTA"),
        ("PAPUA TIMUR", "TANAH MERAH"),  # a province that does not exist yet
        ("SUMATERA", "JAMBI"),  # JAMBI is a city too: not certain
        ("BULELENG", "bali"),
        (None, "BALI"),
        ("BULELENG", None),
        (None, None),
    ],
)
def test_leaves_the_rest(province: str | None, city: str | None) -> None:
    assert not are_swapped(province, city)


def test_there_are_38_provinces() -> None:
    assert len(PROVINCES) == 38
    assert PROVINCES.isdisjoint(OTHER_NAMES)
    assert ALSO_CITIES <= PROVINCES | OTHER_NAMES
    assert all(name == name.upper() for name in PROVINCES | OTHER_NAMES)
