"""Flask's answers made of representations."""

from flask import Response, request

from efishery_fetch.representation import Representation


def respond(representation: Representation) -> Response:
    """Answer 200 with the body in the coding that the client takes, or 304 if it has it."""
    headers = request.headers
    answer = representation.answer(headers.get("Accept-Encoding", ""), headers.get("If-None-Match"))
    response = Response(answer.body, answer.status, [*answer.headers, representation.age_header()])
    if answer.status == 304:
        del response.headers["Content-Type"]  # Flask's default
    return response
