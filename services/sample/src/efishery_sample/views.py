"""The endpoints of sample."""

from datetime import UTC, datetime
from functools import lru_cache

from flask import Blueprint, Response, current_app, jsonify, request

from efishery_sample.generator import generate
from efishery_sample.rate import rate_at
from efishery_sample.settings import MAX_ROWS
from servicekit.errors import Invalid

sample = Blueprint("sample", __name__)

_generate = lru_cache(maxsize=4)(generate)


@sample.get("/commodities")
def list_commodities() -> Response:
    """Answer the list; the query parameter `rows` overrides the setting."""
    return jsonify(_generate(current_app.config["SAMPLE_SEED"], _rows()))


@sample.get("/rate")
def show_rate() -> Response:
    """Answer the rate of this minute, in the format of a provider."""
    now = datetime.now(UTC)
    return jsonify(base="IDR", date=now.date(), rates={"USD": rate_at(now)})


def _rows() -> int:
    text = request.args.get("rows", str(current_app.config["SAMPLE_ROWS"]))
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MAX_ROWS):
        raise Invalid([{"field": "rows", "msg": f"must be a whole number from 1 to {MAX_ROWS}"}])
    return int(text)
