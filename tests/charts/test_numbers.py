"""Numbers reach the pods unchanged, although Helm parses numbers in values files as floats."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import helm

LARGE = 12345678


@pytest.mark.parametrize("scenario", ["existing-secrets", "external-mysql-redis"])
def test_no_number_is_rendered_in_float_notation(tmp_path: Path, scenario: str) -> None:
    chart = helm.charts() / "efishery"
    schema = json.loads((chart / "values.schema.json").read_text())
    values = _largest(schema, schema)
    values["mysql"] = {"settings": {"max_binlog_size": LARGE}}
    values["sample"]["enabled"] = True
    for name in ("auth", "fetch", "docs"):
        values[name]["canary"]["enabled"] = True  # a weight needs it
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    scenario_file = chart / f"ci/{scenario}-values.yaml"
    rendered = helm.template("efishery", "--values", str(scenario_file), "--values", str(file))
    assert rendered.returncode == 0, rendered.stderr
    assert f'"{LARGE}"' in rendered.stdout
    assert not re.findall(r".*\de\+\d.*", rendered.stdout)


def _largest(schema: dict[str, Any], node: dict[str, Any]) -> Any:
    """Return a value for each integer at or below a schema's `node`: its maximum, or LARGE if it has none."""
    node = schema["definitions"][node["$ref"].removeprefix("#/definitions/")] if "$ref" in node else node
    if node.get("type") == "integer":
        return node.get("maximum", LARGE)
    inner = {name: _largest(schema, child) for name, child in node.get("properties", {}).items()}
    return {name: found for name, found in inner.items() if found}
