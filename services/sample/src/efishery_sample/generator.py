"""The commodity list: tidy rows from a seed, then made messy by the shapes of `mess`."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from efishery_sample.mess import ISO_FORM, SHAPES, Row

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
    """Make `rows` rows. The same seed and length give the same rows, whenever and wherever."""
    random = Random(seed)
    moments = [START + random.random() * PERIOD for _ in range(rows)]
    made = [_tidy(random, moment) for moment in moments]
    for order, shape in enumerate(SHAPES):
        # Each shape starts at a row of its own, so that not all mess is heaped on the same few rows.
        for number in range(order % shape.every, rows, shape.every):
            shape.change(made[number], moments[number])
    return made


def _tidy(random: Random, moment: datetime) -> Row:
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
        "tgl_parsed": moment.strftime(ISO_FORM),
        "timestamp": str(int(moment.timestamp() * 1000)),
    }
