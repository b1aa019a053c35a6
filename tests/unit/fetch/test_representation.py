"""Content codings, ETags and conditional requests (RFC 9110, sections 8.8.3, 12.5.3 and 13.1.2)."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from efishery_fetch.representation import Representation, accepts_gzip, decode, encode

BODY = b'{"data": []}' * 100
GZIPPED = gzip.compress(BODY, mtime=0)
FETCHED = datetime(2022, 5, 30, 8, tzinfo=UTC)


@pytest.fixture
def representation() -> Representation:
    return encode(BODY, FETCHED)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.2", True),
        ("*", True),
        ("GZIP", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("br, deflate", False),
        ("\x00;;;q=q,,", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_both_codings_hold_the_same_body_under_different_etags(representation: Representation) -> None:
    plain, zipped = representation.answer("", None), representation.answer("gzip", None)
    assert plain.body == gzip.decompress(zipped.body) == BODY
    assert len(zipped.body) < len(plain.body)
    etags = {dict(answer.headers)["ETag"] for answer in (plain, zipped)}
    assert len(etags) == 2
    assert dict(zipped.headers)["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in dict(plain.headers)
    for answer in (plain, zipped):
        assert dict(answer.headers)["Content-Length"] == str(len(answer.body))
        assert (dict(answer.headers)["Cache-Control"], dict(answer.headers)["Vary"]) == (
            "private, no-cache",
            "Accept, Accept-Encoding",
        )


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other" ,W/{}', "*"])
def test_the_current_etag_gets_304_without_a_body(representation: Representation, coding: str, form: str) -> None:
    etag = dict(representation.answer(coding, None).headers)["ETag"]
    answer = representation.answer(coding, form.format(etag))
    assert (answer.status, answer.body) == (304, b"")
    assert dict(answer.headers)["ETag"] == etag
    assert {"Content-Length", "Content-Type"}.isdisjoint(dict(answer.headers))


@pytest.mark.parametrize("header", ["", '"other"', "W/", '"', "\x00", ",,,", '"a' * 1000])
def test_another_etag_gets_the_body(representation: Representation, header: str) -> None:
    assert representation.answer("gzip", header).status == 200


def test_the_etag_of_one_coding_does_not_stand_for_the_other(representation: Representation) -> None:
    etag = dict(representation.answer("", None).headers)["ETag"]
    assert representation.answer("gzip", etag).status == 200


def test_the_same_body_has_the_same_etag_in_every_process(representation: Representation) -> None:
    again = decode(representation.gzipped, FETCHED)
    assert again.answer("gzip", None) == representation.answer("gzip", None)
    assert encode(BODY, FETCHED + timedelta(1)).answer("", None) == representation.answer("", None)
    assert encode(BODY + b" ", FETCHED).identity.etag != representation.identity.etag


@pytest.mark.parametrize("record", [b"", b"not gzip", GZIPPED[:-9], GZIPPED + b"x"])
def test_a_record_that_is_not_gzip_is_a_value_error(record: bytes) -> None:
    with pytest.raises(ValueError, match="not a gzipped body"):
        decode(record, FETCHED)


def test_age_counts_from_the_fetch() -> None:
    assert encode(BODY, datetime.now(UTC) - timedelta(seconds=90)).age_header()[1] in ("90", "91")
    assert encode(BODY, datetime.now(UTC) + timedelta(seconds=90)).age_header() == ("Age", "0")
