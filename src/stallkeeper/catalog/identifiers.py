"""Outside numbers of stock units: GTINs with their check digit, additional codes, makers' part numbers."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection
from stdnum import ean

from stallkeeper.catalog import products, queries
from stallkeeper.catalog.models import Identifier, IdentifierKind
from stallkeeper.catalog.texts import CatalogueError, required
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.words import joined
from stallkit.words import said as _

GTIN_LENGTHS = (8, 12, 13, 14)
LARGEST_FACTOR = 100_000


class Found(NamedTuple):
    """A unit that a code means: by ``sku``, ``gtin`` or ``code``; one scan stands for ``pack_factor`` base units."""

    unit_id: int
    sku: str
    by: str
    pack_factor: int


def check_gtin(text: str) -> str:
    """The digits as typed, without blanks and hyphens. CatalogueError if it is not a GTIN; it names the right check digit."""
    digits = text.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdecimal()):
        raise CatalogueError("gtin", _("{text} is not a GTIN: it has 8, 12, 13 or 14 digits and nothing else.", text=_shown(text)))
    if len(digits) not in GTIN_LENGTHS:
        wrong = _("{text} has {count} digits; a GTIN has 8, 12, 13 or 14.", text=_shown(text), count=len(digits))
        raise CatalogueError("gtin", joined([wrong, *_lost_zeros(digits)]))
    if not digits.strip("0"):
        raise CatalogueError("gtin", _("is all zeros; leave it empty if there is none."))
    if not _checks(digits):
        right = ean.calc_check_digit(digits[:-1])
        raise CatalogueError(
            "gtin",
            _(
                "{digits} has the wrong check digit: by its other digits it would be {first}{right}. Compare it with the package.",
                digits=digits,
                first=digits[:-1],
                right=right,
            ),
        )
    return digits


def spellings(gtin: str) -> list[str]:
    """All lengths that the same GTIN can be written in: they differ in leading zeros only. Empty if it is none."""
    digits = gtin.replace(" ", "").replace("-", "")
    core = digits.lstrip("0")
    if not (digits.isascii() and digits.isdecimal() and core and len(core) <= 14):
        return []
    return [core.zfill(length) for length in GTIN_LENGTHS if len(core) <= length]


def add_identifier(uc: UseCase, unit_id: int, kind: IdentifierKind, value: str, *, scope: str = "", pack_factor: int = 1) -> Identifier:
    """Give a unit one more number; the same again changes its pack factor. CatalogueError for a wrong GTIN or factor.

    The same value on several units is allowed: it is ambiguous then and links nothing by itself.
    """
    unit = products.own_unit(uc, unit_id)
    value = check_gtin(value) if kind == IdentifierKind.GTIN else required("code", value)
    if not 1 <= pack_factor <= LARGEST_FACTOR:
        raise CatalogueError(
            "pack_factor", _("must be from 1 to {most:,}, not {pack_factor}.", most=LARGEST_FACTOR, pack_factor=pack_factor)
        )
    identifier, _new = Identifier.objects.update_or_create(
        organisation_id=uc.organisation_id,
        kind=kind.value,
        scope=scope,
        value=value,
        stock_unit=unit,
        defaults={"pack_factor": pack_factor},
    )
    audit.record(uc, "add.identifier", "stock_unit", unit.pk, kind=kind.value, value=value, scope=scope, pack_factor=pack_factor)
    return identifier


def remove_identifier(uc: UseCase, identifier_id: int) -> None:
    """Take a number away; nothing happens if it is gone already. Offers that were linked by it stay linked."""
    identifier = Identifier.objects.filter(organisation_id=uc.organisation_id, pk=identifier_id).first()
    if identifier is not None:
        identifier.delete()
        audit.record(uc, "remove.identifier", "stock_unit", identifier.stock_unit_id, kind=identifier.kind, value=identifier.value)


def find_units(organisation_id: int, code: str) -> list[Found]:
    """What a typed or scanned code means: units by SKU, GTIN (however many leading zeros) and additional code, in this order (S4.16)."""
    with connection.cursor() as cursor:
        return [Found._make(row) for row in queries.units_by_code(cursor, organisation_id, code.strip(), spellings(code))]


def _checks(digits: str) -> bool:
    """What ``stdnum.ean.is_valid`` says about digits, six times as fast: imports ask a hundred thousand times."""
    values = digits.encode()
    return (sum(values[-1::-2]) + 3 * sum(values[-2::-2]) - 48 * (len(values) + 2 * (len(values) // 2))) % 10 == 0


def _lost_zeros(digits: str) -> list[str]:
    for length in GTIN_LENGTHS:
        padded = digits.zfill(length)
        if len(digits) >= 6 and len(digits) < length and ean.calc_check_digit(padded[:-1]) == padded[-1]:
            return [_("If a spreadsheet dropped leading zeros, write it as text: {padded}.", padded=padded)]
    return []


def _shown(text: str) -> str:
    short = text.strip()
    return repr(short if len(short) <= 40 else short[:39] + "…")
