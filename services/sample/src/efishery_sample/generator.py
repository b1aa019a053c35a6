"""Generates the price list: valid rows from a seed, to which the defects of `defects` are applied."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from efishery_sample.defects import DEFECTS, ISO_FORMAT, Row

START: Final = datetime(2022, 12, 5, tzinfo=UTC)
PERIOD: Final = timedelta(weeks=26)

FISH: Final[Mapping[str, int]] = {  # name: usual price of a kilogram in rupiah
    "Bandeng": 31_000,
    "Kakap Merah": 82_000,
    "Kerapu Macan": 120_000,
    "Lele Sangkuriang": 24_000,
    "Mas Punten": 33_000,
    "Mujair": 27_000,
    "Nila Gesit": 30_000,
    "Patin Siam": 22_000,
    "Sidat": 155_000,
    "Udang Vaname": 74_000,
}
PLACES: Final[Mapping[str, tuple[str, ...]]] = {  # province: cities
    "BALI": ("BULELENG", "JEMBRANA"),
    "DI YOGYAKARTA": ("BANTUL", "SLEMAN"),
    "JAWA BARAT": ("INDRAMAYU", "SUBANG", "TASIKMALAYA"),
    "JAWA TENGAH": ("DEMAK", "KENDAL", "REMBANG"),
    "JAWA TIMUR": ("GRESIK", "LAMONGAN", "TUBAN"),
    "KALIMANTAN SELATAN": ("BANJAR", "TANAH LAUT"),
    "LAMPUNG": ("PESAWARAN", "TANGGAMUS"),
    "NUSA TENGGARA BARAT": ("BIMA", "SUMBAWA"),
    "RIAU": ("KAMPAR", "SIAK"),
    "SULAWESI SELATAN": ("BONE", "PANGKEP", "WAJO"),
}
SIZES: Final = (20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150, 200)


def generate(seed: int, rows: int) -> list[Row]:
    """Generate `rows` rows. The same seed and length give the same rows on every machine and day."""
    random = Random(seed)
    moments = [START + random.random() * PERIOD for _ in range(rows)]
    generated = [_valid_row(random, moment) for moment in moments]
    for order, defect in enumerate(DEFECTS):
        # Each defect starts at another row, so that they do not all fall on the same few rows.
        for number in range(order % defect.every, rows, defect.every):
            defect.change(generated[number], moments[number])
    return generated


def _valid_row(random: Random, moment: datetime) -> Row:
    fish, usual = random.choice(list(FISH.items()))
    province = random.choice(list(PLACES))
    price = int(usual * random.uniform(0.75, 1.25)) // 100 * 100
    return {
        "uuid": str(uuid.UUID(int=random.getrandbits(128), version=4)),
        "komoditas": fish,
        "area_provinsi": province,
        "area_kota": random.choice(PLACES[province]),
        "size": str(random.choice(SIZES)),
        "price": str(price),
        "tgl_parsed": moment.strftime(ISO_FORMAT),
        "timestamp": str(int(moment.timestamp() * 1000)),
    }
