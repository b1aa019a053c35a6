"""Parts of documents that programs write, between two marks."""

from pathlib import Path


def section(document: Path, name: str) -> str:
    """Return the content between the marks of this name; raises ValueError if the document lacks them."""
    return _split(document, name)[1]


def replace_section(document: Path, name: str, content: str) -> None:
    """Write the content between the marks of this name; raises ValueError if the document lacks them."""
    before, _, after = _split(document, name)
    document.write_text(before + content + after)


def _split(document: Path, name: str) -> tuple[str, str, str]:
    """Return the text up to the content and with the mark before it, the content, and the rest."""
    begin, end = (f"<!-- {name}: {edge} -->\n" for edge in ("begin", "end"))
    before, _, rest = document.read_text().partition(begin)
    content, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{document} lacks the marks of the section {name!r}")
    return before + begin, content, end + after
