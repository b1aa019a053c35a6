"""The bodies that auth accepts, and what is said of a wrong one."""

import json
import unicodedata
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from efishery_auth import passwords, phones
from efishery_auth.models import Role
from servicekit.envelope import FieldError
from servicekit.errors import BadRequest, Invalid


def _visible(name: str) -> str:
    """Refuse control and format characters: they forge log lines and turn names around."""
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in name):
        raise ValueError("must not hold control or invisible characters")
    return name


Phone = Annotated[str, Field(max_length=32), AfterValidator(phones.normalise)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_visible)]


class Form(BaseModel):
    """Base of all bodies; an unknown field is an error, as it is most likely a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Registration(Form):
    """The body of POST /auth/register."""

    name: Name
    phone: Phone
    role: Role = Role.USER


class Login(Form):
    """The body of POST /auth/login."""

    phone: Phone
    password: Annotated[str, Field(min_length=1, max_length=passwords.MAX_LENGTH)]


AnyForm = TypeVar("AnyForm", bound=Form)

_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request; see /docs/",
    "string_type": "must be a string",
}


def read(form_class: type[AnyForm]) -> AnyForm:
    """Read the request's JSON body. Raises Invalid with an entry for each wrong field."""
    try:
        return form_class.model_validate(_json_object())
    except ValidationError as error:
        raise Invalid(_field_errors(error)) from None


def _json_object() -> dict[str, Any]:
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        body = json.loads(request.get_data())
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequest(f"the body is not JSON: {error.msg} at {where}") from None
    except UnicodeDecodeError:
        raise BadRequest("the body is not JSON: it must be UTF-8") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply; send a flat JSON object") from None
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _field_errors(error: ValidationError) -> list[FieldError]:
    return [
        {
            "field": ".".join(str(part) for part in problem["loc"]),
            "msg": _PLAIN.get(problem["type"], problem["msg"].removeprefix("Value error, ")),
        }
        for problem in error.errors(include_input=False, include_url=False)
    ]
