"""An independent computation of what fetch must answer for a list: pandas and fractions, no code of the service.

It understands the defects of the recorded lists and of the sample, not every value that JSON can hold.
"""

from fractions import Fraction
from typing import Any, NamedTuple

import pandas as pd

FIELDS = ["uuid", "komoditas", "area_provinsi", "area_kota", "size", "price", "tgl_parsed", "timestamp"]
CLEAN = ["uuid", "komoditas", "area_provinsi", "area_kota", "size", "price", "moment"]
MAX_PRICE = 100_000_000
PROVINCE = (
    "ACEH|BALI|BANTEN|DI YOGYAKARTA|DKI JAKARTA|LAMPUNG|NUSA TENGGARA (?:BARAT|TIMUR)|RIAU"
    "|(?:JAWA|KALIMANTAN|SULAWESI|SUMATERA) (?:BARAT|TENGAH|TIMUR|SELATAN|UTARA)"
)
NOT_A_PROVINCE = "JAWA (?:SELATAN|UTARA)|SUMATERA (?:TENGAH|TIMUR)|SULAWESI TIMUR"
WITH_ZONE = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%zZ", "%a %b %d %H:%M:%S GMT%z %Y"]
IN_JAKARTA = ["%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%d/%m/%Y"]


class Expected(NamedTuple):
    """The served rows as tuples (columns `CLEAN`), the counts, and the groups; numbers are fractions."""

    rows: list[tuple[Any, ...]]
    rejected: dict[str, int]
    groups: list[dict[str, Any]]
    excluded: dict[str, int]


def expect(items: list[Any], rate: Fraction | None) -> Expected:
    """Compute the answer for a list; `rate` is US dollars for one rupiah."""
    given = pd.DataFrame([item for item in items if isinstance(item, dict)], columns=FIELDS, dtype=object)
    given = given.map(lambda value: " ".join(value.split()) if isinstance(value, str) else "")
    clean = _clean(given)
    reason = _reasons(given, clean)
    rejected = reason.value_counts().to_dict() | {"not_an_object": len(items) - len(given)}
    rows = clean[reason.isna()]
    has_province, has_date = rows["area_provinsi"] != "", rows["moment"].notna()
    excluded = {"no_province": int((~has_province).sum()), "no_date": int((has_province & ~has_date).sum())}
    groups = _groups(rows[has_province & has_date], rate)
    return Expected(_tuples(rows), _nonzero(rejected), groups, _nonzero(excluded))


def numbers(group: dict[str, Any]) -> dict[str, Any]:
    """Return a group of the service with its decimals as fractions, to compare it with one of `expect`."""
    return {
        key: {k: Fraction(v) for k, v in part.items()} if isinstance(part, dict) else part
        for key, part in group.items()
    }


def _tuples(rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the rows with None for whatever is absent."""
    values = rows.astype(object).itertuples(index=False, name=None)
    return [tuple(None if pd.isna(value) or value == "" else value for value in row) for row in values]


def _nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {name: int(count) for name, count in sorted(counts.items()) if count}


def _clean(given: pd.DataFrame) -> pd.DataFrame:
    clean = given[["uuid", "komoditas"]].copy()
    for place in ("area_provinsi", "area_kota"):
        name = given[place].str.upper()
        clean[place] = name.where(name.str.count("[A-Z]") >= 3, "")
    province, city = clean["area_provinsi"], clean["area_kota"]
    swapped = (province != "") & _is_province(city) & ~_is_province(province)
    clean["area_provinsi"], clean["area_kota"] = city.where(swapped, province), province.where(swapped, city)
    clean["size"] = [int(text) if text.isdigit() and int(text) else None for text in given["size"]]
    clean["size"] = clean["size"].astype("Int64")
    is_number = given["price"].str.fullmatch(r"[0-9]+(\.[0-9]{1,2})?")
    clean["price"] = [Fraction(text) if valid else None for text, valid in zip(given["price"], is_number, strict=True)]
    clean["moment"] = _moments(given["timestamp"]).fillna(_moments(given["tgl_parsed"])).dt.floor("ms")
    return clean


def _is_province(names: pd.Series) -> pd.Series:
    return names.str.fullmatch(PROVINCE) & ~names.str.fullmatch(NOT_A_PROVINCE)


def _moments(text: pd.Series) -> pd.Series:
    moments = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns, UTC]")
    for digits, unit in ((13, "ms"), (10, "s")):
        epoch = text.where(text.str.fullmatch(f"[0-9]{{{digits}}}")).dropna().astype("int64")
        moments = moments.fillna(pd.to_datetime(epoch, unit=unit, utc=True))
    for zoned in WITH_ZONE:
        moments = moments.fillna(pd.to_datetime(text, format=zoned, errors="coerce", utc=True))
    for local in IN_JAKARTA:
        naive = pd.to_datetime(text, format=local, errors="coerce")
        moments = moments.fillna(naive.dt.tz_localize("Asia/Jakarta").dt.tz_convert("UTC"))
    return moments


def _reasons(given: pd.DataFrame, clean: pd.DataFrame) -> pd.Series:
    """Return why each row is rejected, or None; the first reason that applies wins."""
    reasons = pd.Series(None, index=given.index, dtype=object)
    checks = {
        "empty_row": (given == "").all(axis="columns"),
        "missing_commodity": given["komoditas"] == "",
        "missing_price": given["price"] == "",
        "invalid_price": clean["price"].isna(),
        "price_out_of_range": ~clean["price"].between(Fraction(1, 100), MAX_PRICE),
    }
    for name, applies in checks.items():
        reasons[reasons.isna() & applies] = name
    repeated = clean[reasons.isna()].duplicated(CLEAN)
    reasons[repeated[repeated].index] = "duplicate"
    return reasons


def _groups(rows: pd.DataFrame, rate: Fraction | None) -> list[dict[str, Any]]:
    local = rows["moment"].dt.tz_convert("Asia/Jakarta")
    iso = local.dt.isocalendar()
    monday = local - pd.to_timedelta(iso.day.astype("int64") - 1, unit="D")
    keyed = rows.assign(iso_year=iso.year, iso_week=iso.week, week_start=monday.dt.strftime("%Y-%m-%d"))
    keys = ["area_provinsi", "iso_year", "iso_week", "week_start"]
    return [
        {
            **dict(zip(keys, key, strict=True)),
            "price": _statistics(group["price"], 2),
            "price_usd": None if rate is None else _statistics(group["price"] * rate, 4),
            "size": _statistics(group["size"].dropna().map(Fraction), 2) if group["size"].notna().any() else None,
        }
        for key, group in keyed.groupby(keys, sort=True)
    ]


def _statistics(values: pd.Series, decimals: int) -> dict[str, Fraction]:
    ordered = values.sort_values().reset_index(drop=True)
    count = len(ordered)
    exact = {
        "count": Fraction(count),
        "min": ordered.min(),
        "max": ordered.max(),
        "mean": ordered.sum() / count,
        "median": (ordered[(count - 1) // 2] + ordered[count // 2]) / 2,
    }
    return {name: round(value, decimals) for name, value in exact.items()}
