"""Parses a JSON array item by item, so that one item that is nested too deeply does not fail the others."""

import re
from collections.abc import Iterator
from json import JSONDecoder

MAX_TEXT_LENGTH = 500
WHITE_SPACE = re.compile(r"[ \t\n\r]*")
STRUCTURE = re.compile(r'"|[\[{]+|[\]}]+')


def parse_items(text: str, decoder: JSONDecoder) -> Iterator[object]:
    """Yield the items of the array; in place of one that is nested too deeply for the decoder, its first characters.

    Of such an item only the strings and the balance of the brackets are checked.

    Raises:
        ValueError: the text is not an array, or empty.
    """
    position = _after("[", text, 0)
    while True:
        try:
            item, end = decoder.raw_decode(text, position)
        except RecursionError:
            item, end = text[position : position + MAX_TEXT_LENGTH], _end_of_nested(text, position, decoder)
        yield item
        end = _skip_white_space(text, end)
        if text.startswith("]", end):
            break
        position = _after(",", text, end)
    if _skip_white_space(text, end + 1) != len(text):
        raise ValueError("there is text after the array")


def _skip_white_space(text: str, position: int) -> int:
    match = WHITE_SPACE.match(text, position)
    return match.end() if match else position


def _after(character: str, text: str, position: int) -> int:
    """Return the position after the character, which must come next, and after the white space around it."""
    position = _skip_white_space(text, position)
    if not text.startswith(character, position):
        raise ValueError(f"{character} is missing at {position}")
    return _skip_white_space(text, position + 1)


def _end_of_nested(text: str, position: int, decoder: JSONDecoder) -> int:
    """Return the end of the array or object that begins here."""
    depth = 0
    while match := STRUCTURE.search(text, position):
        found, position = match[0], match.end()
        if found == '"':
            _, position = decoder.raw_decode(text, match.start())
        elif found[0] in "[{":
            depth += len(found)
        else:
            depth -= len(found)
            if depth <= 0:
                return position + depth  # the run of brackets may go beyond the end
    raise ValueError("a closing bracket is missing")
