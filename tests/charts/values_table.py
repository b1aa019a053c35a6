"""Write the table of values into each chart's README: `python -m tests.charts.values_table`.

Names and descriptions come from values.schema.json, defaults from values.yaml.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MISSING = object()
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->\n"


@dataclass(frozen=True)
class Row:
    """One value: its dotted name, its default (MISSING if values.yaml has none) and its description."""

    name: str
    default: object
    description: str

    def __str__(self) -> str:
        return f"| `{self.name}` | `{json.dumps(self.default, ensure_ascii=False)}` | {self.description} |"


def rows(chart: Path) -> list[Row]:
    """Return the values of the chart in that folder, in the order of its schema."""
    schema = json.loads((chart / "values.schema.json").read_text())
    values = yaml.safe_load((chart / "values.yaml").read_text())
    return list(_walk(schema, schema, values, ()))


def _walk(schema: dict[str, Any], node: dict[str, Any], value: Any, path: tuple[str, ...]) -> Iterator[Row]:
    """Yield a row for each leaf at or below `node`, and one without a description for each key missing from it."""
    if "$ref" in node:
        node = schema["definitions"][node["$ref"].removeprefix("#/definitions/")]
    if "properties" not in node:
        yield Row(".".join(path), value, node.get("description", ""))
        return
    known = value if isinstance(value, dict) else {}
    for key in [*node["properties"], *(key for key in known if key not in node["properties"])]:
        child = node["properties"].get(key, {})
        if path or "properties" in child or key != "global":
            yield from _walk(schema, child, known.get(key, MISSING), (*path, key))


def table(chart: Path) -> str:
    """Return the table in Markdown."""
    lines = ["| Value | Default | Meaning |", "|---|---|---|", *map(str, rows(chart))]
    return "\n".join(lines) + "\n"


def write(chart: Path) -> None:
    """Write the table between the two marks in the chart's README.md."""
    readme = chart / "README.md"
    marked = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
    readme.write_text(marked.sub(lambda _: table(chart), readme.read_text()))


if __name__ == "__main__":
    for schema_file in sorted(Path(__file__).parents[2].glob("charts/*/values.schema.json")):
        write(schema_file.parent)
