"""The JSON API: its routers, its OpenAPI 3.1 document at ``/api/openapi.json``, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from stallkeeper.api import channels, hints, plans, stock
from stallkeeper.api.problems import MEDIA_TYPE, FieldProblem, ProblemError, problem

if TYPE_CHECKING:
    from ninja.types import DictStrAny

VERSION = "1"


class Api(NinjaAPI):
    """Ninja's API whose document says that errors are problem documents: Ninja itself knows one media type only."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: DictStrAny | None = None) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for path in schema["paths"].values():
            for operation in path.values():
                _name_media_type(operation["responses"])
        return schema


def _name_media_type(responses: DictStrAny) -> None:
    """Once per path: an operation of several methods has one table of responses."""
    for status, response in responses.items():
        if int(status) >= 400 and "application/json" in response.get("content", {}):
            response["content"][MEDIA_TYPE] = response["content"].pop("application/json")


api = Api(
    title="Stallkeeper",
    version=VERSION,
    description="Doors for programs. Errors are RFC 9457 problem documents.",
    openapi_url="/api/openapi.json",
    docs_url=None,  # the page that Ninja brings loads scripts of a foreign host
    urls_namespace="api",
)
api.add_router("/hints", hints.router)
api.add_router("/api/v1/stock", stock.router)
api.add_router("/api/v1/channels", channels.router)
api.add_router("/api/v1/plans", plans.router)


@api.exception_handler(ProblemError)
def _own(request: HttpRequest, error: ProblemError) -> HttpResponse:  # noqa: ARG001
    return problem(error.status, error.kind, error.detail, error.errors)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    """Names each field; the value itself is not echoed."""
    errors = [FieldProblem(field=".".join(map(str, each["loc"])), detail=str(each["msg"])) for each in error.errors]
    return problem(422, "invalid", "Some values are not what the contract says.", errors)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:  # noqa: ARG001
    return problem(401, "forbidden", "Send your key: Authorization: Bearer … (of a source, or of stallkeeper keys make)")


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    return problem(error.status_code, "not-understood" if error.status_code == 400 else "refused", error.message)


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:  # noqa: ARG001
    return problem(404, "not-found", "There is nothing at this address.")
