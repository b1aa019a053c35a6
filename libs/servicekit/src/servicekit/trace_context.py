"""The trace of a request: the headers `traceparent` and `tracestate` of W3C Trace Context.

https://www.w3.org/TR/trace-context-1/, section 3. A client writes them, so what is not valid is dropped: the headers go
into logs and to other services.
"""

import re

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
MAX_STATE_CHARACTERS = 512  # what section 3.3.1.5 asks to pass on at least
MAX_STATE_MEMBERS = 32  # section 3.3.1.1

_FIELDS = r"((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})"  # trace-id, parent-id, trace-flags
_VERSION_00 = re.compile(f"00-{_FIELDS}")
_LATER_VERSION = re.compile(f"(?!00|ff)[0-9a-f]{{2}}-{_FIELDS}(?:-.*)?")
_STATE_MEMBER = re.compile(
    r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace-id, 32 hexadecimal digits, of a `traceparent`; None if that is absent or not valid."""
    valid = valid_traceparent(traceparent)
    return valid and valid[3:35]


def valid_traceparent(given: str | None) -> str | None:
    """Return a `traceparent` in version 00, the only one there is (section 3.2.2); None if `given` is not valid.

    A later version may have more fields. Section 4.3 asks for those of version 00 to be taken from it.
    """
    if not given:
        return None
    if _VERSION_00.fullmatch(given):
        return given
    later = _LATER_VERSION.fullmatch(given)
    return f"00-{later[1]}" if later else None


def valid_tracestate(given: str | None) -> str | None:
    """Return the members of a `tracestate` (section 3.3.1); None if it is absent, not valid or too long."""
    if not given or len(given) > MAX_STATE_CHARACTERS:
        return None
    members = [member for part in given.split(",") if (member := part.strip(" \t"))]
    if not 0 < len(members) <= MAX_STATE_MEMBERS or not all(map(_STATE_MEMBER.fullmatch, members)):
        return None
    keys = {member.partition("=")[0] for member in members}
    return ",".join(members) if len(keys) == len(members) else None


def headers_to_pass_on(traceparent: str | None, tracestate: str | None) -> dict[str, str]:
    """Return the headers for requests made on behalf of one that came with these; empty without a valid trace."""
    parent = valid_traceparent(traceparent)
    if parent is None:
        return {}
    state = valid_tracestate(tracestate)
    return {TRACEPARENT: parent, TRACESTATE: state} if state else {TRACEPARENT: parent}
