import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_auth.phones import masked, normalise


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("08123456789", "+628123456789"),
        ("0812-345 6789", "+628123456789"),
        ("+62 812 345 6789", "+628123456789"),
        ("0062 812 345 6789", "+628123456789"),
        ("+62 0812 345 6789", "+628123456789"),
        ("006208123456789", "+628123456789"),
        ("+62008123456789", "+628123456789"),
        ("+1234567", "+1234567"),
        ("+123456789012345", "+123456789012345"),
    ],
)
def test_normalises(written: str, normal: str) -> None:
    assert normalise(written) == normal


@pytest.mark.parametrize(
    "wrong",
    ["", "+", "+123456", "+1234567890123456", "628123456789", "+62812x456", "+0812345678", "+٦٢٨١٢٣٤٥"],
)
def test_refuses(wrong: str) -> None:
    with pytest.raises(ValueError, match="plus sign and 7 to 15 digits"):
        normalise(wrong)


@given(st.text() | st.from_regex(r"(\+62|\+|00|0)?0{0,3}[0-9]{5,14}", fullmatch=True))
def test_what_is_normal_stays_as_it_is(text: str) -> None:
    try:
        normal = normalise(text)
    except ValueError:
        return
    assert normalise(normal) == normal


def test_masked_shows_the_last_three_digits() -> None:
    assert masked("+628123456789") == "**********789"
