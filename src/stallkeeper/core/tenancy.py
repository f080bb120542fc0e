"""Organisations as walls: a tenant table can only be read inside a scope that names the organisation.

The managers fail closed: without a scope they raise instead of returning everybody's rows. Behind them stands a second wall in the database
(``core.walls``), which raw SQL meets too. ``across_organisations`` is the one way around, for the tick and for maintenance; it names the
passage that it takes.
"""

from __future__ import annotations

from typing import TypeVar

from django.db import models

from stallkeeper.core.scope import Passage, ScopeMissing, across_organisations, current, current_organisation, organisation_scope

M = TypeVar("M", bound=models.Model)


class TenantManager(models.Manager[M]):
    """Only rows of the organisation in scope; raises ScopeMissing without one."""

    def get_queryset(self) -> models.QuerySet[M]:
        scope = current()
        if scope is None:
            raise ScopeMissing(f"{self.model.__name__} was read outside of an organisation's scope")
        rows = super().get_queryset()
        return rows if isinstance(scope, Passage) else rows.filter(organisation_id=scope)


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


__all__ = [
    "ChildModel",
    "Passage",
    "ScopeMissing",
    "TenantManager",
    "TenantModel",
    "across_organisations",
    "current_organisation",
    "organisation_scope",
]
