"""The bodies that auth accepts, and what is said of a wrong one."""

from typing import Annotated, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from efishery_auth import phones
from efishery_auth.models import Role
from servicekit.envelope import FieldError
from servicekit.errors import BadRequest, Invalid

Phone = Annotated[str, Field(max_length=32), AfterValidator(phones.normalise)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$"),
]


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
    password: Annotated[str, Field(min_length=1, max_length=128)]


AnyForm = TypeVar("AnyForm", bound=Form)


def read(form_class: type[AnyForm]) -> AnyForm:
    """Read the request's JSON body. Raises Invalid with an entry for each wrong field."""
    body = request.get_json()
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    try:
        return form_class.model_validate(body)
    except ValidationError as error:
        raise Invalid(_field_errors(error)) from None


def _field_errors(error: ValidationError) -> list[FieldError]:
    return [
        {
            "field": ".".join(str(part) for part in problem["loc"]),
            "msg": problem["msg"].removeprefix("Value error, "),
        }
        for problem in error.errors(include_input=False, include_url=False)
    ]
