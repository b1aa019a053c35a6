"""Which passwords people may choose: long enough, not easy to guess (NIST SP 800-63B, section 5.1.1.2; ASVS 6.2)."""

import re

from zxcvbn import zxcvbn

MIN_LENGTH = 12  # characters after normalisation; at most passwords.MAX_LENGTH
EASY_TO_GUESS = (
    "is easy to guess; take four or more words that do not belong together,"
    " or let a password manager make a password, and use neither your name nor your phone"
)

CONTROL = re.compile(r"[\x00-\x1F\x7F-\x9F]")
LEAST_SCORE = 3  # of zxcvbn: at least 10^8 guesses
# zxcvbn takes seconds of CPU for many letters that are each written as several symbols, and for long repetitions. So
# symbols become the letters they stand for, and a password that is hard to guess has a beginning that is, too.
SYMBOLS = str.maketrans("@({[<!|$+%", "accccilstx")
EXAMINED_LENGTH = 48  # 0.2 s of CPU at most


def problem_with(password: str, *, name: str, phone: str) -> str | None:
    """Return what is wrong with a password (in form NFC, not empty) and what to do, or None if it may be chosen.

    It must not be a common one, nor made of the user's name or phone, or of this service's name.
    """
    if CONTROL.search(password):
        return "must not contain control characters such as tabs or line breaks"
    beginning = password[:EXAMINED_LENGTH].translate(SYMBOLS)
    known = ["efishery", name, name.replace(" ", ""), *name.split(), phone, phone[1:], phone.replace("+62", "0", 1)]
    known = [each.translate(SYMBOLS) for each in known]
    score: int = zxcvbn(beginning, user_inputs=known, max_length=EXAMINED_LENGTH)["score"]
    return EASY_TO_GUESS if score < LEAST_SCORE else None
