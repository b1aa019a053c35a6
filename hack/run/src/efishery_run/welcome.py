"""The text that is printed once the system is up."""

from typing import Final

from efishery_run.ports import HOST
from efishery_run.services import ADMIN_PHONE, Services

PASTE: Final = "# Paste this into another terminal:"

_SEQUENCE: Final = """\
{paste}
BASE=http://{host}:{port}
JSON='Content-Type: application/json'
field() {{ python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][sys.argv[1]])' "$1"; }}
login() {{ curl -s $BASE/auth/login -H "$JSON" -d '{{"phone": "'$1'", "password": "'$2'"}}' | field access_token; }}
PHONE=+62812$(date +%s)
SITI='{{"name": "Siti", "phone": "'$PHONE'", "role": "user"}}'
PASSWORD=$(curl -s $BASE/auth/register -H "$JSON" -d "$SITI" | field password)
TOKEN=$(login $PHONE "$PASSWORD")
curl -s $BASE/fetch/resource -H "Authorization: Bearer $TOKEN" | python3 -m json.tool | head -40
ADMIN=$(login {phone} '{password}')
curl -s $BASE/fetch/resource/aggregate -H "Authorization: Bearer $ADMIN" | python3 -m json.tool | tail -40
"""


def welcome(services: Services, seconds: float) -> str:
    """Describe the addresses, the admin's login and a sequence of curl commands."""
    ports, state = services.ports, services.state
    metrics = "  ".join(f"{name} :{port}" for name, port in ports.management.items())
    password = state.admin_password()
    return f"""\
eFishery is up after {seconds:.1f} s. Ctrl-C stops all of it.

  API        http://{HOST}:{ports.gateway}
  API docs   http://{HOST}:{ports.gateway}/docs/
  Admin      phone {ADMIN_PHONE}  password {password}
  Metrics    http://{HOST}:PORT/metrics with {metrics}
  Logs       {state.logs}

{_SEQUENCE.format(paste=PASTE, host=HOST, port=ports.gateway, phone=ADMIN_PHONE, password=password)}"""
