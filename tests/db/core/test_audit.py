"""The audit chain (invariant 17): written with its change or not at all, in order, and tampering shows."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from stallkeeper.core import audit, people
from stallkeeper.core.models import AuditEntry, Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case

from .conftest import NOON


def note(organisation, count=1, **detail):
    with use_case("test.audit", organisation_id=organisation.pk, actor="user:1", at=NOON) as uc:
        for number in range(count):
            audit.record(uc, "change.thing", "thing", number, **detail)


def entries(organisation):
    with organisation_scope(organisation.pk):
        return list(AuditEntry.objects.order_by("id"))


def test_an_entry_is_written_with_its_change_and_verifies(organisation):
    note(
        organisation,
        count=3,
        price=Decimal("1.50"),
        ratio=0.1,
        name="Ünïcode \0 \ud800",
        when=NOON,
        nested={"b": [1, None, True], "a": {2}},
    )
    rows = entries(organisation)[1:]
    assert [row.subject_id for row in rows] == ["0", "1", "2"]
    assert rows[0].detail["price"] == "1.50"
    assert rows[0].actor == "user:1"
    assert audit.verify_chain(organisation.pk) == []


def test_a_change_that_fails_leaves_no_entry(organisation):
    before = len(entries(organisation))

    def fail():
        with use_case("test.audit", organisation_id=organisation.pk, at=NOON) as uc:
            audit.record(uc, "change.thing", "thing", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(entries(organisation)) == before


def tamper(organisation, statement, *parameters):
    with organisation_scope(organisation.pk), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER audit_append_only")
        cursor.execute(statement, parameters)
        assert cursor.rowcount == 1
        cursor.execute("ALTER TABLE core_auditentry ENABLE TRIGGER audit_append_only")


@pytest.mark.parametrize(
    "change",
    ["detail = '{\"to\": 2}'", "actor = 'user:2'", "at = at + interval '1 microsecond'", "subject_id = '7'", "digest = digest || '\\x00'"],
)
def test_a_changed_entry_shows(organisation, change):
    note(organisation, count=3, to=1)
    middle = entries(organisation)[2]
    tamper(organisation, f"UPDATE core_auditentry SET {change} WHERE id = %s", middle.pk)
    assert str(middle.pk) in audit.verify_chain(organisation.pk)[0]


def test_a_removed_entry_shows(organisation):
    note(organisation, count=3)
    rows = entries(organisation)
    tamper(organisation, "DELETE FROM core_auditentry WHERE id = %s", rows[1].pk)
    assert str(rows[2].pk) in audit.verify_chain(organisation.pk)[0]


@pytest.mark.parametrize("statement", ["UPDATE core_auditentry SET actor = 'x'", "DELETE FROM core_auditentry"])
def test_the_database_refuses_changes(organisation, statement):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_each_organisation_has_a_chain_of_its_own(organisation):
    other = people.create_organisation("Other", "other", at=NOON)
    note(organisation)
    note(other)
    note(organisation)
    assert audit.verify_chain(organisation.pk) == audit.verify_chain(other.pk) == []


def test_a_long_chain_is_verified_in_pages(organisation, monkeypatch):
    note(organisation, count=25)
    real = audit.audit_queries.entries
    monkeypatch.setattr(audit.audit_queries, "entries", lambda cursor, number: real(cursor, number, page=10))
    assert len(entries(organisation)) == 26
    assert audit.verify_chain(organisation.pk) == []


def test_entries_written_at_once_do_not_fork_the_chain(race_db):
    shop = Organisation.objects.create(name="Shop", slug="shop", created_at=NOON)

    def work():
        for number in range(20):
            with use_case("test.audit", organisation_id=shop.pk, at=NOON + timedelta(seconds=number)) as uc:
                audit.record(uc, "change.thing", "thing", number)

    race_db.together(work, work, work)
    assert len(entries(shop)) == 60
    assert audit.verify_chain(shop.pk) == []


def test_auditing_first_and_locking_later_does_not_deadlock(race_db):
    """Entries wait until the commit: the chain is never held while another lock is waited for."""
    shop = Organisation.objects.create(name="Shop", slug="shop", created_at=NOON)
    other = Organisation.objects.create(name="Row to lock", slug="row", created_at=NOON)

    def early():
        for _ in range(20):
            with use_case("test.audit", organisation_id=shop.pk, at=NOON) as uc:
                audit.record(uc, "change.thing", "thing", 1)
                Organisation.objects.select_for_update().get(pk=other.pk)

    def late():
        for _ in range(20):
            with use_case("test.audit", organisation_id=shop.pk, at=NOON) as uc:
                Organisation.objects.select_for_update().get(pk=other.pk)
                audit.record(uc, "change.thing", "thing", 2)

    race_db.together(early, late)
    assert audit.verify_chain(shop.pk) == []
