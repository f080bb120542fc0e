"""Organisations as walls: a tenant table can only be read inside a scope that names the organisation.

The managers fail closed: without a scope they raise instead of returning everybody's rows. ``across_organisations`` is the one way around,
for the tick and for maintenance; it must say why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)

_EVERYBODY = -1
_current: ContextVar[int | None] = ContextVar("organisation", default=None)


class ScopeMissing(RuntimeError):
    """A tenant table was read outside of an organisation's scope: a programming error, never a user's."""


def current_organisation() -> int:
    """Id of the organisation in scope; ScopeMissing if there is none (or all of them)."""
    organisation = _current.get()
    if organisation is None or organisation == _EVERYBODY:
        raise ScopeMissing("no organisation in scope: wrap the call in organisation_scope(...)")
    return organisation


@contextmanager
def organisation_scope(organisation_id: int) -> Iterator[None]:
    """Rows of this organisation, and no others, are visible inside the block."""
    token = _current.set(organisation_id)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def across_organisations(reason: str) -> Iterator[None]:
    """All rows are visible. ``reason`` is for the reader of the code: who may look over the walls, and why."""
    if not reason:
        raise ValueError("say why this code may look over the walls")
    token = _current.set(_EVERYBODY)
    try:
        yield
    finally:
        _current.reset(token)


class TenantManager(models.Manager[M]):
    """Only rows of the organisation in scope; raises ScopeMissing without one."""

    def get_queryset(self) -> models.QuerySet[M]:
        organisation = _current.get()
        if organisation is None:
            raise ScopeMissing(f"{self.model.__name__} was read outside of an organisation's scope")
        rows = super().get_queryset()
        return rows if organisation == _EVERYBODY else rows.filter(organisation_id=organisation)


class TenantModel(models.Model):
    """Base of every table that belongs to one organisation."""

    organisation = models.ForeignKey("core.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = TenantManager()

    class Meta:
        abstract = True


class ChildModel(TenantModel):
    """Base of tables that grow with every order and belong to a row that names the organisation already (ADR 0020).

    The column is there for the walls; that it is right is the parent's constraint, so the database does not look it up once more per row.
    """

    organisation = models.ForeignKey("core.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        abstract = True
