"""The generated list: reproducible, with every defect at its frequency."""

import re
from collections import Counter
from collections.abc import Callable

import pytest

from efishery_sample.defects import DEFECTS, Row
from efishery_sample.generator import FISH, generate


def texts(rows: list[Row], field: str) -> list[str]:
    return [value for row in rows if (value := row.get(field)) is not None]


def test_the_same_seed_and_length_give_the_same_list() -> None:
    assert generate(7, 219) == generate(7, 219)
    assert generate(7, 219) != generate(8, 219)


@pytest.mark.parametrize("rows", [1, 219, 10_000])
def test_it_has_the_length_asked_for(rows: int) -> None:
    assert len(generate(1, rows)) == rows


@pytest.mark.parametrize(
    ("field", "pattern"),
    [
        ("timestamp", r"16\d{8}"),
        ("timestamp", r"16\d{11}"),
        ("timestamp", r""),
        ("timestamp", r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        ("tgl_parsed", r"[-\d]{10}T[:\d]{8}Z"),
        ("tgl_parsed", r"[-\d]{10}T[:\d]{8}\.719Z"),
        ("tgl_parsed", r"[-\d]{10}T[:\d]{8}\+07:00"),
        ("tgl_parsed", r"[-\d]{10}T[:\d]{8}\+0700"),
        ("tgl_parsed", r"[-\d]{10}T[:\d]{8}\+07:00Z"),
        ("tgl_parsed", r"\d{4}/\d\d/\d\d \d+:\d+:\d+"),
        ("tgl_parsed", r"\d{1,2}/\d{1,2}/\d{4}"),
        ("tgl_parsed", r"[-\d]{10} [:\d]{8}\.378"),
        ("tgl_parsed", r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [:\d]{8} GMT\+07:00 \d{4}"),
        ("tgl_parsed", r"2023-01-01T03:30:00Z"),
        ("tgl_parsed", r""),
        ("price", r""),
        ("price", r"asfd"),
        ("price", r"1"),
        ("price", r"122222222222"),
        ("price", r"\$5\.03"),
        ("size", r"asdf"),
        ("size", r"3000"),
        ("uuid", r"kotlin\.random\..*"),
        ("area_provinsi", r"a"),
        ("area_provinsi", r"asdf"),
        ("area_provinsi", r"Jawa Timur"),
        (
            "area_provinsi",
            r"GRESIK|LAMONGAN|TUBAN|BANTUL|SLEMAN|BONE|PANGKEP|WAJO|KAMPAR|SIAK|BIMA|SUMBAWA|.*BARU.*|SUBANG|DEMAK|KENDAL|REMBANG",
        ),
        ("area_kota", r" .+"),
    ],
)
def test_219_rows_have_every_defect_of_a_field(field: str, pattern: str) -> None:
    assert any(re.fullmatch(pattern, text) for text in texts(generate(1, 219), field))


@pytest.mark.parametrize(
    "has_defect",
    [
        lambda row: row and all(value is None for value in row.values()),
        lambda row: "price" not in row,
        lambda row: row.get("komoditas") and row["area_provinsi"] is None,
        lambda row: row.get("komoditas") and "area_kota" in row and row["area_kota"] is None,
        lambda row: row.get("komoditas") and row["timestamp"] is None,
    ],
    ids=["every field null", "fields missing", "province null", "city null", "timestamp null"],
)
def test_219_rows_have_every_defect_of_a_row(has_defect: Callable[[Row], bool]) -> None:
    assert any(map(has_defect, generate(1, 219)))


def test_one_uuid_is_in_several_rows() -> None:
    assert Counter(texts(generate(1, 219), "uuid")).most_common(1)[0][1] >= 4


def test_the_frequency_is_the_stated_one() -> None:
    words = [row for row in generate(1, 10_000) if row.get("price") == "asfd"]
    share = next(defect.every for defect in DEFECTS if defect.name == "price is a word")
    # A later defect empties some of the rows that this one changed.
    assert 10_000 / share * 0.9 <= len(words) <= 10_000 / share + 1


def test_most_rows_name_a_fish_and_a_price() -> None:
    good = [row for row in generate(1, 219) if row.get("komoditas") in FISH and (row.get("price") or "").isdigit()]
    assert len(good) > 190
