"""Phone numbers, the names that users log in with."""

import re

_SEPARATORS = re.compile(r"[\s-]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # no country's code begins with 0


def normalise(phone: str) -> str:
    """Write a phone number in E.164 form, so that one phone is one account however it is written.

    Spaces and dashes go; the international prefix 00 becomes the plus sign; a leading 0 becomes Indonesia's
    +62, after which zeros go too. Raises ValueError when what is left is not a plus
    sign and 7 to 15 digits.
    """
    phone = _SEPARATORS.sub("", phone)
    if phone.startswith("00"):
        phone = "+" + phone[2:]
    if phone.startswith(("0", "+620")):
        phone = "+62" + phone.removeprefix("+62").lstrip("0")
    if not _E164.fullmatch(phone):
        raise ValueError(
            "must be a plus sign and 7 to 15 digits, as in +628123456789 or 08123456789;"
            " only spaces and dashes may stand between them"
        )
    return phone


def masked(phone: str) -> str:
    """Hide all but the last three digits, for logs."""
    return "*" * (len(phone) - 3) + phone[-3:]
