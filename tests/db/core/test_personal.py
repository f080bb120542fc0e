"""The vault (C27, invariant 15): sealed, audited when read, gone when due."""

from datetime import timedelta

import pytest
from django.db import connection

from stallkeeper.core import people, personal, secrets
from stallkeeper.core.models import AuditEntry, PersonalData, PersonalWord
from stallkeeper.core.personal import PersonalText
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.core.use_case import use_case

from .conftest import NOON

CANARY = "Ileana Canary"


def keep(organisation, *texts):
    with use_case("test.personal", organisation_id=organisation.pk, at=NOON) as uc:
        return personal.store_many(uc, texts)


def text(number=1, words=CANARY, purpose="delivery", days=30):
    return PersonalText("order", number, purpose, words, NOON + timedelta(days=days))


def read(organisation, ids, **named):
    with use_case("test.personal", organisation_id=organisation.pk, actor="user:5", at=NOON) as uc:
        return personal.read(uc, "order", ids, **named)


def test_what_was_kept_can_be_read_and_is_sealed(organisation):
    assert keep(organisation, text(1), text(2, "other"), text(1, "paid by card", "billing")) == 3
    assert read(organisation, [1, 2, 3]) == {(1, "billing"): "paid by card", (1, "delivery"): CANARY, (2, "delivery"): "other"}
    assert read(organisation, [1], purposes=["billing"]) == {(1, "billing"): "paid by card"}
    with organisation_scope(organisation.pk):
        assert all(CANARY.encode() not in bytes(row.ciphertext) for row in PersonalData.objects.all())


def test_the_same_again_replaces(organisation):
    keep(organisation, text())
    keep(organisation, text(words="old"), text(words="new"))
    assert read(organisation, [1]) == {(1, "delivery"): "new"}


def test_nothing_to_keep_is_no_statement(organisation, django_assert_num_queries):
    with use_case("test.personal", organisation_id=organisation.pk, at=NOON) as uc, django_assert_num_queries(0):
        assert personal.store_many(uc, []) == 0


def test_any_number_of_rows_is_three_statements(organisation, django_assert_num_queries):
    keep(organisation, text(0))
    # one reads the keys, one writes, one writes what the rows are found by
    with use_case("test.personal", organisation_id=organisation.pk, at=NOON) as uc, django_assert_num_queries(3):
        personal.store_many(uc, [text(number) for number in range(500)])


def test_reading_is_audited_and_finding_nothing_is_not(organisation):
    keep(organisation, text(1))
    read(organisation, [1, 9], reason="label")
    with organisation_scope(organisation.pk):
        (entry,) = AuditEntry.objects.filter(action="read.personal_data")
    assert (entry.subject_id, entry.actor, entry.detail) == ("1", "user:5", {"purposes": ["delivery"], "reason": "label"})
    assert CANARY not in str(entry.detail)


def test_due_rows_go_and_the_others_stay(organisation, monkeypatch):
    monkeypatch.setattr(personal, "PAGE", 3)
    keep(organisation, *[text(number, days=30) for number in range(7)], text(100, days=31))
    assert personal.forget_due(NOON + timedelta(days=29)) == 0
    assert personal.forget_due(NOON + timedelta(days=30)) == 7
    with organisation_scope(organisation.pk):
        assert PersonalData.objects.get().subject_id == 100


def test_a_person_can_be_forgotten_at_once(organisation):
    keep(organisation, text(1), text(2))
    with use_case("test.personal", organisation_id=organisation.pk, at=NOON) as uc:
        assert personal.forget(uc, "order", [1], reason="asked by the buyer") == 1
    assert set(read(organisation, [1, 2])) == {(2, "delivery")}


def test_another_organisation_reads_nothing(organisation):
    from stallkeeper.core import people

    other = people.create_organisation("Other", "other", at=NOON)
    keep(organisation, text(1))
    assert read(other, [1]) == {}


def test_the_index_serves_forgetting(organisation):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM core_personaldata WHERE delete_after <= now() ORDER BY delete_after, id LIMIT 10")
        assert "personal_data_due" in str(cursor.fetchall())


def named(name, number=1, purpose="delivery", days=30):
    return PersonalText("order", number, purpose, name, NOON + timedelta(days=days), tuple(personal.words_of(name)))


def found(organisation, words, most=10):
    with use_case("test.personal", organisation_id=organisation.pk, actor="user:5", at=NOON) as uc:
        return personal.find(uc, "order", words, most)


def words_kept(organisation):
    with organisation_scope(organisation.pk):
        return PersonalWord.objects.count()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ștefan  IONESCU-Popa", ["stefan", "ionescu", "popa"]),
        ("J. O'Neil", ["neil"]),
        ("Ada.L+shop@Example.com", ["ada.l+shop@example.com"]),
        ("Łukasz Żółć", ["łukasz", "zołc"]),
        ("Ёлкин, И.", ["елкин"]),
        ("", []),
    ],
)
def test_words_are_compared_without_capitals_and_accents(text, words):
    assert personal.words_of(text) == words


def test_people_are_found_by_all_their_words_the_newest_first(organisation):
    keep(organisation, named("Ada Lovelace", 1), named("Ada Byron", 2), named("Ada Lovelace", 3), text(4, "Ada Lovelace"))
    assert found(organisation, "lovelace ADA") == [3, 1]
    assert found(organisation, "ada") == [3, 2, 1]
    assert found(organisation, "ada", most=2) == [3, 2]
    assert found(organisation, "ada grace") == found(organisation, "ad") == found(organisation, "") == []


def test_what_is_found_by_means_nothing_elsewhere(organisation):
    """The same name is other numbers in another organisation: neither leads to the other."""
    other = people.create_organisation("Other", "other", at=NOON)
    keep(organisation, named(CANARY))
    keep(other, named(CANARY))
    with across_organisations(Passage.HOUSEKEEPING):
        numbers = list(PersonalWord.objects.values_list("word", flat=True))
    assert len(numbers) == len(set(numbers)) == 4
    assert found(organisation, CANARY) == [1]


def test_another_name_takes_the_place_of_the_old_one(organisation):
    keep(organisation, named("Ada Old"))
    keep(organisation, named("Ada New"))
    assert (found(organisation, "old"), found(organisation, "new"), found(organisation, "ada")) == ([], [1], [1])
    keep(organisation, named(""))
    assert words_kept(organisation) == 0


def test_words_go_with_their_row(organisation):
    """Invariant 15: nothing is left behind, whether the day came or a person asked."""
    keep(organisation, named("Ada Due", 1, days=1), named("Ada Asked", 2), named("Ada Stays", 3))
    assert personal.forget_due(NOON + timedelta(days=2)) == 1
    with use_case("test.personal", organisation_id=organisation.pk, at=NOON) as uc:
        assert personal.forget(uc, "order", [2], "asked") == 1
    assert found(organisation, "ada") == [3]
    assert words_kept(organisation) == 2


def test_people_are_found_across_new_data_keys(organisation):
    keep(organisation, named("Ada Lovelace", 1))
    secrets.rotate(organisation.pk, data_keys=True, at=NOON)
    keep(organisation, named("Ada Lovelace", 2))
    assert found(organisation, "ada lovelace") == [2, 1]
    keep(organisation, named("Ada Lovelace", 1))
    assert (found(organisation, "ada"), words_kept(organisation)) == ([2, 1], 4)
