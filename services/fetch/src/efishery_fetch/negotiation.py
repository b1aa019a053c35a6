"""Chooses the format of an answer by the header `Accept` (RFC 9110, section 12.5.1)."""

import re
from enum import StrEnum

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header


class NotAcceptableError(ValueError):
    """The header `Accept` excludes every format."""


class Format(StrEnum):
    """The formats of an answer, as the parameter `format` names them."""

    JSON = "json"
    CSV = "csv"


# Werkzeug compares in a time that grows with the square of the white space, and with the interpreter's lock held. No
# media range has white space in it (RFC 9110, sections 5.6.2 and 12.5.1); what is none matches nothing anyway.
NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
MEDIA_RANGE = re.compile(f"{NAME}/{NAME}")
MEDIA_TYPES = {"application/json": Format.JSON, "text/csv": Format.CSV}


def negotiate(accept: str) -> Format:
    """Return the format with the highest quality: JSON before CSV where equal, and JSON without a header.

    Raises:
        NotAcceptableError: the message names the media types.
    """
    if not accept.strip():
        return Format.JSON
    # Media type parameters other than q, such as charset, are ignored: no format has variants to choose from.
    ranges = [(item.partition(";")[0].strip(), quality) for item, quality in parse_accept_header(accept)]
    valid = [(item, quality) for item, quality in ranges if MEDIA_RANGE.fullmatch(item)]
    best = MIMEAccept(valid).best_match(MEDIA_TYPES)
    if best is None:
        raise NotAcceptableError(f"accept {' or '.join(MEDIA_TYPES)}, or send the parameter format")
    return MEDIA_TYPES[best]
