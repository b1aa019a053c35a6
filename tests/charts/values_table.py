"""Write the tables of values into each chart's README: `python -m tests.charts.values_table`.

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
LONGEST = 80  # characters of a default
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->\n"


@dataclass(frozen=True)
class Row:
    """One value: its dotted name, its default (MISSING if values.yaml has none) and its description."""

    name: str
    default: object
    description: str

    def __str__(self) -> str:
        default = json.dumps(self.default, ensure_ascii=False)
        shown = f"`{default}`" if len(default) <= LONGEST else "see values.yaml"
        return f"| `{self.name}` | {shown} | {self.description} |"

    @property
    def group(self) -> str:
        """The first part of its name; empty for a value at the top."""
        return self.name.partition(".")[0] if "." in self.name else ""


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


def tables(chart: Path) -> str:
    """Return a table in Markdown for the values at the top, then one with a heading for each group."""
    groups: dict[str, list[Row]] = {"": []}
    for row in rows(chart):
        groups.setdefault(row.group, []).append(row)
    return "\n".join(_table(group, members) for group, members in groups.items() if members)


def _table(group: str, members: list[Row]) -> str:
    heading = [f"### {group}", ""] if group else []
    return "\n".join([*heading, "| Value | Default | Meaning |", "|---|---|---|", *map(str, members), ""])


def write(chart: Path) -> None:
    """Write the tables between the two marks in the chart's README.md."""
    readme = chart / "README.md"
    marked = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
    readme.write_text(marked.sub(lambda _: tables(chart), readme.read_text()))


if __name__ == "__main__":
    for schema_file in sorted(Path(__file__).parents[2].glob("charts/*/values.schema.json")):
        write(schema_file.parent)
