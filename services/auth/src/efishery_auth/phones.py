"""Phone numbers, the names that users log in with."""

import re

_SEPARATORS = re.compile(r"[\s-]+")
_E164 = re.compile(r"\+[0-9]{7,15}")


def normalise(phone: str) -> str:
    """Write a phone number in E.164 form: spaces and dashes go, a leading 0 becomes Indonesia's +62.

    Raises ValueError when what is left is not a plus sign and 7 to 15 digits.
    """
    phone = _SEPARATORS.sub("", phone)
    if phone.startswith("0"):
        phone = "+62" + phone[1:]
    if not _E164.fullmatch(phone):
        raise ValueError("must be a plus sign and 7 to 15 digits, as in +628123456789 (or 08123456789)")
    return phone


def masked(phone: str) -> str:
    """Hide all but the last three digits, for logs."""
    return "*" * (len(phone) - 3) + phone[-3:]
