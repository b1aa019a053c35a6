import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efishery_auth.password_policy import EASY_TO_GUESS, problem_with
from efishery_auth.passwords import nfc

SITI = {"name": "Siti Rahayu", "phone": "+628123456789"}
LETTERS_AS_SYMBOLS = "4@8({[<369!1|0$5+7%2"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "ikan lele goreng enak",
        "kD7mPq2xWvR9",
        "日本語の長い合言葉です今日は雨",
        "пара чаек над морем",
        "🐟🎣🌊🦐🐚🦀⛵🌅🍤🐠🐡🦑",
    ],
)
def test_what_is_hard_to_guess_may_be_chosen(password: str) -> None:
    assert problem_with(nfc(password), **SITI) is None


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P@ssw0rd1234",
        "1234567890ab",
        "qwertyuiop12",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "efishery2024!",
        "Siti Rahayu!",
        "SitiRahayu12",
        "+628123456789",
        "628123456789",
        "08123456789!",
        "password" * 16,
    ],
)
def test_common_passwords_and_what_others_know_of_the_user_may_not(password: str) -> None:
    assert problem_with(password, **SITI) == EASY_TO_GUESS


@pytest.mark.parametrize("character", ["\0", "\t", "\n", "\x7f", "\x9f"])
def test_control_characters_may_not(character: str) -> None:
    problem = problem_with(f"correct horse{character} battery staple", **SITI)
    assert problem is not None
    assert "control characters" in problem


@pytest.mark.parametrize(
    "password",
    [
        LETTERS_AS_SYMBOLS * 7,
        LETTERS_AS_SYMBOLS[::-1] * 7,
        "a" * 128,
        "1a" * 64,
        "9 03 46794 6 4505084" * 7,
        "p4ssw0rd" * 16,
    ],
    ids=str.strip,
)
def test_no_password_takes_long_to_examine(password: str) -> None:
    started = time.process_time()
    problem_with(password[:128], name="x" * 100, phone="+628123456789")
    assert time.process_time() - started < 1


@given(
    password=st.text(min_size=1, max_size=128),
    name=st.text(max_size=100),
    phone=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
)
@settings(max_examples=50)
def test_every_password_can_be_examined(password: str, name: str, phone: str) -> None:
    problem_with(nfc(password), name=name, phone=phone)
    assert problem_with(phone, name=name, phone=phone) == problem_with("aaaaaaaaaaaa", name=name, phone=phone)


@given(st.text("4@8({[<369!1|0$5+7%2", min_size=12, max_size=128))
@settings(max_examples=15)
def test_symbols_for_letters_never_take_long(password: str) -> None:
    started = time.process_time()
    problem_with(password, **SITI)
    assert time.process_time() - started < 1
