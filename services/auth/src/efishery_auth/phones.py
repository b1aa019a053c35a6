"""Phone numbers, which identify users at login."""

import re

LONGEST = 32  # characters of a number as it is written, separators included
SEPARATORS = re.compile(r"[ \u00a0-]+")  # U+00A0, the no-break space, comes with numbers copied from web pages
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: at most 15 digits; no country code begins with 0


def normalise(phone: str) -> str:
    """Convert a phone number to E.164 form, so that each spelling of a number identifies the same account.

    Removes spaces and dashes, replaces the international prefix 00 by a plus sign and a leading 0 by Indonesia's
    country code +62, and removes zeros after +62. Raises ValueError when the result is not a plus sign and 7 to 15
    digits. The pattern of `Phone` in openapi.yaml accepts the same numbers.
    """
    phone = SEPARATORS.sub("", phone)
    if phone.startswith("00"):
        phone = "+" + phone[2:]
    if phone.startswith(("0", "+620")):
        phone = "+62" + phone.removeprefix("+62").lstrip("0")
    if not _E164.fullmatch(phone):
        raise ValueError(
            "must be a plus sign and 7 to 15 digits, as in +628123456789 or 08123456789;"
            " other than digits, only spaces and dashes are allowed"
        )
    return phone


def masked(phone: str) -> str:
    """Hide all but the last three digits, for logs."""
    return "*" * (len(phone) - 3) + phone[-3:]
