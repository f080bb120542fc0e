"""One row per condition, counted up; closed when it ends."""

from datetime import timedelta

from stallkeeper.core import notify
from stallkeeper.core.models import Notification, Severity
from stallkeeper.core.notify import Notice
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.core.words import of_row
from stallkit.words import again, joined
from stallkit.words import said as _

from .conftest import NOON


def say(organisation, *notices, at=NOON):
    with use_case("test.notify", organisation_id=organisation.pk, at=at) as uc:
        notify.raise_many(uc, notices)


def rows(organisation):
    with organisation_scope(organisation.pk):
        return list(Notification.objects.order_by("key", "id"))


def test_a_lasting_condition_is_one_row(organisation):
    later = NOON + timedelta(hours=1)
    say(organisation, Notice("k", Severity.WARNING, "first"))
    say(organisation, Notice("k", Severity.WARNING, "second", "more", "/there"), at=later)
    (row,) = rows(organisation)
    assert (row.count, row.title, row.detail, row.link, row.first_at, row.last_at) == (2, "second", "more", "/there", NOON, later)


def test_a_condition_that_comes_back_is_a_new_row(organisation):
    say(organisation, Notice("k", Severity.INFO, "one"))
    with use_case("test.notify", organisation_id=organisation.pk, at=NOON) as uc:
        assert notify.resolve(uc, "k", "unknown") == 1
        assert notify.resolve(uc, "k") == 0
        notify.raise_(uc, "k", Severity.INFO, "two")
    assert [(row.title, row.resolved_at is None) for row in rows(organisation)] == [("one", False), ("two", True)]


def test_many_at_once_count_each_key(organisation):
    say(organisation, Notice("b", Severity.ERROR, "bad"), Notice("a", Severity.INFO, "x" * 300), Notice("b", Severity.INFO, "later"))
    first, second = rows(organisation)
    assert len(first.title) == 200
    assert (second.count, second.severity, second.title) == (2, "error", "later")


def test_what_was_seen_is_unseen_when_it_gets_worse(organisation):
    say(organisation, Notice("k", Severity.WARNING, "t"))
    with organisation_scope(organisation.pk):
        Notification.objects.update(seen_at=NOON)
    say(organisation, Notice("k", Severity.INFO, "t"))
    assert rows(organisation)[0].seen_at == NOON
    say(organisation, Notice("k", Severity.ERROR, "t"))
    assert rows(organisation)[0].seen_at is None


def test_raised_by_many_at_once_stays_one_row(race_db):
    from stallkeeper.core.models import Organisation

    shop = Organisation.objects.create(name="Shop", slug="shop", created_at=NOON)
    keys = ["a", "b", "c"]

    def work(order):
        for _turn in range(10):
            say(shop, *[Notice(key, Severity.INFO, "t") for key in order])

    race_db.together(lambda: work(keys), lambda: work(keys[::-1]))
    assert [row.count for row in rows(shop)] == [20, 20, 20]


def test_words_of_a_notification_can_be_said_again_in_another_language(organisation):
    """ADR 0062: beside the English text stands what it was made of; a text that had to be cut stays English."""
    say(organisation, Notice("k", Severity.WARNING, _("{name} is silent", name="eMAG"), joined([_("Look."), "HTTP 500"])))
    (row,) = rows(organisation)
    assert (row.title, row.detail) == ("eMAG is silent", "Look. HTTP 500")
    assert again(of_row(row.title, row.title_words), lambda text: text.replace("is silent", "schweigt")) == "eMAG schweigt"
    assert again(of_row(row.detail, row.detail_words), lambda text: text.replace("Look", "Schau")) == "Schau. HTTP 500"
    say(organisation, Notice("k", Severity.WARNING, _("{name} is silent", name="x" * 300), "plain"))
    (row,) = rows(organisation)
    assert (len(row.title), row.title_words, row.detail_words) == (200, None, None)
    assert of_row(row.title, row.title_words) == row.title
