"""The reasons for which an agent waits, and the table that tells operators what to do."""

import re
from pathlib import Path

from efishery_mysql_agent.reasons import Reason

OPERATIONS = Path(__file__).parents[3] / "docs/operations.md"


def test_the_runbook_has_a_row_for_each_reason_and_says_which_need_attention() -> None:
    _, _, section = OPERATIONS.read_text().partition("### MysqlAgentWaits\n")
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| .+ \|$", section.partition("\n### ")[0], flags=re.MULTILINE)
    assert rows == [(reason.value, "yes" if reason.needs_attention else "no") for reason in Reason]
