"""Parses the fields of an upstream row other than its dates. Each function takes any JSON value, and none raises."""

import re
from decimal import Decimal
from unicodedata import category

MIN_NAME_LETTERS = 3
MAX_SIZE = 999_999_999
INVISIBLE = ("Cc", "Cf")

# At most two decimals: "20.000" means twenty thousand in Indonesia and twenty to a parser, so it is invalid.
NUMBER_TEXT = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,2})?")
SIZE_TEXT = re.compile(r"[0-9]{1,9}")


def is_blank(value: object) -> bool:
    """Return whether a field is absent: null, or text without anything but white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def parse_text(value: object) -> str | None:
    """Return text with each run of white space replaced by one space and none at the ends; None if nothing is left.

    Invisible characters, such as NUL or a zero width space, are removed: names that look alike are equal.
    """
    if not isinstance(value, str):
        return None
    # JSON can contain a lone surrogate, which cannot be encoded as UTF-8.
    valid = value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    return " ".join(_visible(valid).split()) or None


def _visible(text: str) -> str:
    """Return the text without control and format characters (Unicode's Cc and Cf) that are no white space."""
    if text.isprintable():  # which most are
        return text
    return "".join(each for each in text if each.isspace() or category(each) not in INVISIBLE)


def parse_name(value: object) -> str | None:
    """Return a province or city in upper case, so that "Jawa Timur" and "JAWA TIMUR" are equal.

    None if it has fewer than three letters, as "a": no place of Indonesia is called so.
    """
    name = (parse_text(value) or "").upper()
    return name if sum(map(str.isalpha, name)) >= MIN_NAME_LETTERS else None


def parse_size(value: object) -> int | None:
    """Return a whole number from 1 to 999,999,999, else None."""
    if isinstance(value, str):
        text = value.strip()
        return (int(text) or None) if SIZE_TEXT.fullmatch(text) else None
    number = parse_number(value)
    return int(number) if number is not None and 1 <= number <= MAX_SIZE and number == int(number) else None


def parse_number(value: object) -> Decimal | None:
    """Return a finite number; None for a boolean, "$5.03", "asfd", "1e3" or "NaN"."""
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if NUMBER_TEXT.fullmatch(text) else None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
        return number if number.is_finite() else None
    return None
