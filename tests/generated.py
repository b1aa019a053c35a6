"""Parts of documents that programs write, between two marks."""

from pathlib import Path


def replace_section(document: Path, name: str, content: str) -> None:
    """Write the content between the marks of this name; raises ValueError if the document lacks them."""
    begin, end = (f"<!-- {name}: {edge} -->\n" for edge in ("begin", "end"))
    text = document.read_text()
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{document} lacks the marks of the section {name!r}")
    document.write_text(f"{before}{begin}{content}{end}{after}")
