"""Checks emulator traffic against contracts that platforms publish, because an adapter and its emulator can share a misreading.

Contracts are not part of this repository. They lie in the folder named by ``STALLKEEPER_SPECS``, by default ``../shared/specs`` beside the
checkout, one sub-folder per system. Where the folder or file is absent, a validator checks nothing and says why (``validator.absent``).

Use in an adapter's contract tests::

    ORDERS = Published.openapi("walmart", "openapi-2023/orders.json")
    PRICE = Published.openapi("walmart", "openapi-2023/price.json")

    transport = ValidatingTransport(EmulatorTransport(emulator), [ORDERS, PRICE], outside=[("POST", "/v3/token")])
    client = httpx.Client(transport=transport)          # each call that differs from the contract raises AssertionError

    def test_the_contract_was_there():
        ORDERS.require()                                 # skips with the reason where the file is absent
        assert ORDERS.checked                            # (method, path template, status) -> how often

``validator.check(exchange)`` does the same for one recorded :class:`stallkit.http.Exchange`. Statuses that the contract does not describe
are counted in ``validator.undescribed`` and pass: most published contracts describe the good answer only. A contract that is wrong in a
known place is corrected with ``amend`` (a function that edits the parsed document, with the source of the correction in its docstring).
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit

import httpx

from stallkit.http import Exchange

if TYPE_CHECKING:
    from openapi_core import OpenAPI
    from openapi_core.datatypes import RequestParameters

Document = dict[str, object]
# A second validator of schemas, which other tools of the tests bring along, would be taken by itself; it refuses published documents.
os.environ.setdefault("OPENAPI_SPEC_VALIDATOR_SCHEMA_VALIDATOR_BACKEND", "jsonschema")
HOST = "http://published.invalid"
RESOLVED = 8192
"""Places of a contract that are kept resolved: without them each check looks every reference up anew, and takes twice as long."""
PROBLEM = "application/problem+json"
"""JSON by another name (RFC 9457), which the validator does not open by itself."""
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def specs_folder() -> Path:
    """Where the contracts lie: ``STALLKEEPER_SPECS``, else ``../shared/specs`` beside the checkout."""
    named = os.environ.get("STALLKEEPER_SPECS")
    return Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "specs"


class Published:
    """Opens published contracts; each file is read once per process."""

    _opened: dict[tuple[str, str, object], Validator] = {}

    @classmethod
    def openapi(
        cls, system: str, file: str, *, prefix: str = "", amend: Callable[[Document], None] | None = None, folder: Path | None = None
    ) -> Validator:
        """The validator of one OpenAPI 3 file (JSON or YAML). ``prefix`` is the part of the emulator's paths that the contract keeps in its
        server URL. Security requirements are left out of the check: the suite has its own cases for credentials."""
        key = (system, f"{folder or specs_folder()}/{file}", amend)
        if key not in cls._opened:
            cls._opened[key] = _open((folder or specs_folder()) / system / file, f"{system}/{file}", prefix, amend)
        return cls._opened[key]


@dataclass(frozen=True)
class Operation:
    """One operation that a contract describes, with the statuses that it describes."""

    method: str
    template: str
    pattern: re.Pattern[str]
    statuses: frozenset[str]


@dataclass
class Validator:
    """One contract. ``absent`` holds the reason when there is nothing to check against, "" otherwise."""

    name: str
    absent: str = ""
    api: OpenAPI | None = None
    operations: tuple[Operation, ...] = ()
    prefix: str = ""
    checked: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    undescribed: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def require(self) -> None:
        """Skip the running pytest test, with the reason, when the contract is absent."""
        if self.absent:
            import pytest

            pytest.skip(self.absent)

    def describes(self, method: str, url: str) -> bool:
        """Whether the contract has this operation; False when it is absent."""
        return self._operation(method, url) is not None

    def check(self, exchange: Exchange) -> None:
        """Validate the request and, if one came, the reply. AssertionError names the JSON path that differs from the contract."""
        if self.api is None:
            return
        operation = self._operation(exchange.method, exchange.url)
        if operation is None:
            raise AssertionError(f"{self.name} describes no {exchange.method} {urlsplit(exchange.url).path}")
        request = _Request.of(exchange, self.prefix)
        self._judge(exchange, "request", lambda api: api.validate_request(request))
        if exchange.status is None:
            return
        key = (operation.method, operation.template, exchange.status)
        if not operation.statuses & {str(exchange.status), f"{exchange.status // 100}XX", "default"}:
            self.undescribed[key] += 1
            return
        reply = _Response.of(exchange)
        self._judge(exchange, f"reply {exchange.status}", lambda api: api.validate_response(request, reply))
        self.checked[key] += 1

    def _judge(self, exchange: Exchange, part: str, run: Callable[[OpenAPI], None]) -> None:
        from openapi_core.exceptions import OpenAPIError

        assert self.api is not None
        try:
            run(self.api)
        except OpenAPIError as error:
            told = "; ".join(_tell(error)) or f"{type(error).__name__}: {error}"
            raise AssertionError(f"{self.name}: {part} of {exchange.method} {urlsplit(exchange.url).path}: {told}") from error

    def _operation(self, method: str, url: str) -> Operation | None:
        path = _inside(url, self.prefix)
        return next((known for known in self.operations if known.method == method.upper() and known.pattern.fullmatch(path)), None)


class ValidatingTransport(httpx.BaseTransport):
    """Wraps a transport (usually ``EmulatorTransport``) and checks each exchange against the first contract that describes it.

    ``outside`` lists (method, start of path) pairs that no contract describes, so that a typing error in a path cannot pass as undescribed.
    A reply that a planned fault spoiled (``fail_next``) breaks the contract on purpose: then only the request is checked.
    """

    def __init__(self, inner: httpx.BaseTransport, contracts: Sequence[Validator], outside: Sequence[tuple[str, str]] = ()) -> None:
        self.inner, self.contracts, self.outside = inner, contracts, outside

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        response = self.inner.handle_request(request)
        content = response.read()
        status = None if response.extensions.get("fault") else response.status_code
        headers, replied = dict(request.headers), dict(response.headers)
        self.check(Exchange(request.method, str(request.url), headers, body, status, replied, content, 0.0))
        return response

    def check(self, exchange: Exchange) -> None:
        if any(contract.absent for contract in self.contracts):
            return
        path = urlsplit(exchange.url).path
        if any(exchange.method == method and path.startswith(start) for method, start in self.outside):
            return
        for contract in self.contracts:
            if contract.describes(exchange.method, exchange.url):
                contract.check(exchange)
                return
        names = ", ".join(contract.name for contract in self.contracts)
        raise AssertionError(f"no contract describes {exchange.method} {path} (looked in {names}); list it in outside= if that is known")

    def close(self) -> None:
        self.inner.close()


def _open(path: Path, name: str, prefix: str, amend: Callable[[Document], None] | None) -> Validator:
    if not path.is_file():
        return Validator(name, absent=f"published contract {name} is not in {path.parent} (set STALLKEEPER_SPECS)")
    from jsonschema_path import SchemaPath
    from openapi_core import Config, OpenAPI

    document = _load(path)
    document["servers"] = [{"url": HOST}]
    _drop_security(document)
    if amend is not None:
        amend(document)
    contract = SchemaPath.from_dict(document, resolved_cache_maxsize=RESOLVED)
    config = Config(extra_media_type_deserializers={PROBLEM: json.loads})
    return Validator(name, api=OpenAPI(contract, config), operations=tuple(_operations(document)), prefix=prefix)


def _operations(document: Document) -> Iterator[Operation]:
    """All operations, concrete paths before templates, as OpenAPI orders the matching."""
    paths = cast("dict[str, dict[str, Document]]", document["paths"])
    for template in sorted(paths, key=lambda path: (path.count("{"), path)):
        parts = re.split(r"\{[^}]+\}", template)
        pattern = re.compile("[^/]+".join(re.escape(part) for part in parts))
        for method in paths[template].keys() & METHODS:
            statuses = cast("Document", paths[template][method].get("responses", {}))
            yield Operation(method.upper(), template, pattern, frozenset(str(status) for status in statuses))


def _load(path: Path) -> Document:
    if path.suffix == ".json":
        return cast("Document", json.loads(path.read_text("utf-8")))
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where it was built with libyaml
    return cast("Document", loader(path.read_text("utf-8")).get_single_data())


def _drop_security(document: Document) -> None:
    document.pop("security", None)
    for path in cast("dict[str, Document]", document.get("paths", {})).values():
        path.pop("servers", None)
        for operation in path.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
                operation.pop("servers", None)


def _inside(url: str, prefix: str) -> str:
    path = urlsplit(url).path
    return path.removeprefix(prefix) or "/"


def _tell(error: BaseException | None) -> Iterator[str]:
    """The leaves of a validation error: where, and what was expected there."""
    while error is not None:
        for leaf in getattr(error, "schema_errors", ()) or ():
            yield from _leaf(leaf)
        error = error.__cause__


def _leaf(error: Exception) -> Iterator[str]:
    context = getattr(error, "context", None) or ()
    if not context:
        yield f"{getattr(error, 'json_path', '$')}: {getattr(error, 'message', error)}"
    for inner in context:
        yield from _leaf(inner)


@dataclass
class _Request:
    """An exchange's request in the shape that openapi-core reads."""

    host_url: str
    path: str
    method: str
    content_type: str
    body: bytes | None
    parameters: RequestParameters

    @classmethod
    def of(cls, exchange: Exchange, prefix: str) -> _Request:
        from openapi_core.datatypes import RequestParameters
        from werkzeug.datastructures import Headers, ImmutableMultiDict

        query = parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
        parameters = RequestParameters(query=ImmutableMultiDict(query), header=Headers(list(exchange.request_headers.items())))
        kind = _header(exchange.request_headers, "content-type")
        return cls(HOST, _inside(exchange.url, prefix), exchange.method.lower(), kind, exchange.request_body or None, parameters)


@dataclass
class _Response:
    """An exchange's reply in the shape that openapi-core reads."""

    status_code: int
    content_type: str
    headers: dict[str, str]
    data: bytes | None

    @classmethod
    def of(cls, exchange: Exchange) -> _Response:
        kind = _header(exchange.reply_headers, "content-type").split(";")[0].strip()
        return cls(exchange.status or 0, kind, dict(exchange.reply_headers), exchange.reply_body)


def _header(headers: object, name: str) -> str:
    pairs = cast("dict[str, str]", headers).items()
    return next((value for key, value in pairs if key.lower() == name), "")
