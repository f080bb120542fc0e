"""Ozon's published contract as a check on the emulator's traffic, mended where it is no valid OpenAPI or known to be wrong.

The file is the newest of the two: June 2026, Russian. Its paths that the adapter calls are kept, the rest is left out.
"""

from __future__ import annotations

import json
import re
from typing import cast

from stallkit.testing.emulator import Emulator
from stallkit.testing.published import Document, Published, ValidatingTransport, Validator
from stallkit.testing.serving import EmulatorTransport

FILE = "MissiaL-ozon-api/ozon-seller-openapi.json"
PATHS = (
    "/v1/roles",
    "/v1/seller/info",
    "/v2/warehouse/list",
    "/v3/product/list",
    "/v3/product/info/list",
    "/v2/product/info/stocks-by-warehouse/fbs",
    "/v2/products/stocks",
    "/v1/product/import/prices",
    "/v4/posting/fbs/list",
    "/v4/posting/fbs/unfulfilled/list",
    "/v3/posting/fbs/get",
    "/v4/posting/fbs/ship",
    "/v2/posting/fbs/cancel",
    "/v2/posting/fbs/product/cancel",
    "/v2/posting/fbs/package-label",
    "/v2/fbs/posting/tracking-number/set",
    "/v2/fbs/posting/delivering",
    "/v2/conditional-cancellation/list",
    "/v2/conditional-cancellation/approve",
    "/v2/conditional-cancellation/reject",
    "/v1/returns/list",
)
TYPES = {"int": "integer", "int64": "integer", "int32": "integer", "double": "number", "float": "number", "bool": "boolean"}
STATUS = {
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "details": {"type": "array", "items": {}}},
}
NULL = {"customer", "addressee", "delivering_date", "pickup_code_verified_at", "analytics_data", "financial_data", "barcodes"}
Schema = dict[str, object]
REFERENCE = re.compile(r'"#/components/(\w+)/([^"]+)"')


def amend(document: Document) -> None:
    """See specs/ozon/FACTS.md, "Using the spec": what each step mends, and why."""
    paths = cast("dict[str, Document]", document["paths"])
    document["paths"] = {path: paths[path] for path in PATHS}
    document["info"] = {"title": "Ozon", "version": "1"}
    document.pop("tags", None)
    cast("dict[str, dict[str, Schema]]", document["components"])["schemas"]["rpcStatus"] = dict(STATUS)
    keep_used(document)
    mend(document)
    allow_null(document)
    drop_required(document, "product_id", "quant_size")
    label = cast("dict[str, dict[str, dict[str, dict[str, Document]]]]", document["paths"])["/v2/posting/fbs/package-label"]
    label["post"]["responses"]["200"] = {"description": "a PDF file, as the text says; the schema tells of an object"}


def keep_used(document: Document) -> None:
    """Only the components that the kept paths lead to."""
    components = cast("dict[str, dict[str, object]]", document["components"])
    used: set[tuple[str, str]] = set()
    waiting = [document["paths"]]
    while waiting:
        for kind, name in REFERENCE.findall(json.dumps(waiting.pop())):
            if (kind, name) not in used and name in components.get(kind, {}):
                used.add((kind, name))
                waiting.append(components[kind][name])
    kept: dict[str, dict[str, object]] = {"schemas": {"rpcStatus": STATUS}}
    for kind, name in used:
        kept.setdefault(kind, {})[name] = components[kind][name]
    document["components"] = kept


def mend(value: object) -> None:
    """Nulls out, real types, patterns only where they are any, no demand for properties that do not exist, nothing outside the file."""
    if isinstance(value, list):
        for item in value:
            mend(item)
    if not isinstance(value, dict):
        return
    for key in [key for key, item in value.items() if item is None and key not in {"example", "default"}]:
        del value[key]
    for key in [key for key in value if key in {"example", "examples", "tags", "x-ozon-section"} and key != "tags"]:
        if not isinstance(value.get("properties"), dict):
            del value[key]
    if isinstance(value.get("type"), str):
        mend_type(value)
    if str(value.get("pattern", "")).strip().startswith("YYYY"):
        del value["pattern"]
    if str(value.get("$ref", "")).endswith("rpcStatus.yaml"):
        value["$ref"] = "#/components/schemas/rpcStatus"
    mend_required(value)
    for item in list(value.values()):
        mend(item)


def allow_null(document: Document) -> None:
    """What the file's own examples show as null."""
    schemas = cast("dict[str, dict[str, Schema]]", document["components"])["schemas"]
    for schema in list(schemas.values()):
        properties = cast("dict[str, Schema]", schema.get("properties", {}))
        for name in NULL & properties.keys():
            references = REFERENCE.findall(json.dumps(properties[name]))
            told = schemas[references[0][1]] if references else properties[name]
            told["nullable"] = True


def mend_type(schema: Schema) -> None:
    told = str(schema["type"])
    schema["type"] = TYPES.get(told, told)
    if told.startswith("array of"):
        schema["type"], schema["items"] = "array", {"type": "string"}


def mend_required(schema: Schema) -> None:
    """``required`` is a list of properties that there are."""
    required, properties = schema.get("required"), schema.get("properties")
    if isinstance(required, bool) and ("in" not in schema and "content" not in schema):
        del schema["required"]
    if isinstance(required, list) and isinstance(properties, dict):
        schema["required"] = [name for name in required if name in properties]
        if not schema["required"]:
            del schema["required"]


def drop_required(document: Document, *names: str) -> None:
    """The text allows ``offer_id`` alone, and ``quant_size`` was removed in June 2025."""
    schemas = cast("dict[str, dict[str, Schema]]", document["components"])["schemas"]
    for schema in schemas.values():
        properties = cast("Schema", schema.get("properties", {}))
        if {"stock", "warehouse_id", "offer_id"} <= properties.keys() and isinstance(schema.get("required"), list):
            schema["required"] = [name for name in cast("list[str]", schema["required"]) if name not in names]


def contract() -> Validator:
    return Published.openapi("ozon", FILE, amend=amend)


class Transport(ValidatingTransport):
    """Reaches the emulator and checks each exchange."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(EmulatorTransport(emulator), [contract()])
