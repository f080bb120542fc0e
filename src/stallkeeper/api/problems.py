"""Errors of the API as RFC 9457 problem documents: one shape, a stable ``type``, and words for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from ninja import Schema

MEDIA_TYPE = "application/problem+json"
DOORS = ("/hints/", "/api/")
"""Where programs call: whatever goes wrong there is a problem document, never a page."""


class FieldProblem(Schema):
    """What is wrong with one value: where it stood ("query.page"), and what to do."""

    field: str
    detail: str


class Problem(Schema):
    """``type`` never changes for the same kind of problem; ``detail`` may."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FieldProblem] = []


class ProblemError(Exception):
    """Ends a request with a problem document. ``kind`` becomes its type."""

    def __init__(self, status: int, kind: str, detail: str, errors: list[FieldProblem] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.errors = status, kind, detail, errors or []


def problem(status: int, kind: str, detail: str, errors: list[FieldProblem] | None = None) -> HttpResponse:
    """The response for a problem."""
    document = Problem(type=type_of(kind), title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or [])
    body = json.dumps(document.model_dump(exclude_defaults=True))
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def type_of(kind: str) -> str:
    """A name, not an address: installations have no common host where a page about it could stand."""
    return f"urn:stallkeeper:problem:{kind}"


KINDS = {
    400: "not-understood",
    401: "forbidden",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    500: "our-fault",
}
DETAILS = {
    405: "This address does not take that method; the Allow header names those it takes.",
    500: "Something failed here and was logged. Nothing was changed.",
}


class ProblemMiddleware:
    """Turns what Django and the router answer by themselves at the API's doors (404, 405, 500 …) into problem documents."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or not request.path_info.startswith(DOORS):
            return response
        if response.headers.get("Content-Type") == MEDIA_TYPE:
            return response
        status = response.status_code
        replaced = problem(status, KINDS.get(status, "refused"), DETAILS.get(status, ""))
        if "Allow" in response.headers:
            replaced["Allow"] = response["Allow"]
        return replaced
