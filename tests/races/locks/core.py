"""Locks of people, keys, notifications and the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from stallkeeper.core import audit, first_run, notify, people, personal, secrets
from stallkeeper.core.models import Membership, Notification, Organisation, Role, Secret, Severity, User
from stallkeeper.core.personal import PersonalText
from stallkeeper.core.use_case import UseCase
from tests.races.explorer import How, Race
from tests.races.locks import Belt, Pair, Proof
from tests.races.locks.acting import Results, chain_is_whole, gate, within
from tests.shop import NOON, Shop, join

_numbers = count(1)


def two_owners_remove_each_other() -> Race:
    shop, results = Shop.open(), Results()
    users = [User.objects.create(email=f"owner-{next(_numbers)}@example.com", name="Owner") for _ in range(2)]
    for user in users:
        join(shop.organisation, user, Role.OWNER)

    def removing(user: User):
        return results.of(within(shop, lambda uc: people.remove_member(uc, user)), people.PeopleError)

    def broken() -> str:
        with shop.scope():
            return "" if Membership.objects.filter(role=Role.OWNER).count() == 1 else "nobody owns the shop"

    return Race(removing(users[0]), removing(users[1]), broken)


def two_steps_are_passed() -> Race:
    shop = Shop.open()

    def broken() -> str:
        return "" if {"a", "b"} <= set(Organisation.objects.get(pk=shop.organisation.pk).start_passed) else "one of the steps is forgotten"

    return Race(*(within(shop, lambda uc, step=step: first_run.go_past(uc, step)) for step in ("a", "b")), broken)


def two_audited_changes() -> Race:
    shop = Shop.open()
    one = within(shop, lambda uc: audit.record(uc, "test.change", "shop", 1))
    return Race(one, one, lambda: chain_is_whole(shop))


def the_first_secret_twice() -> Race:
    """Both make the organisation's data key."""
    shop = Shop.open()

    def keep(purpose: str):
        return within(shop, lambda uc: secrets.store(uc, purpose, "hush"))

    def broken() -> str:
        with shop.scope():
            return "" if {secrets.reveal(row) for row in Secret.objects.all()} == {"hush"} else "a secret is lost"

    return Race(keep("first"), keep("second"), broken)


def a_secret_changes_while_keys_do() -> Race:
    shop = Shop.open()
    within(shop, lambda uc: secrets.store(uc, "password", "old"))()

    def broken() -> str:
        with shop.scope():
            text = secrets.reveal(Secret.objects.get())
        return "" if text == "new" else f"the secret is {text!r} again"

    return Race(
        lambda: secrets._reseal_all(shop.organisation.pk, NOON, "system"),
        within(shop, lambda uc: secrets.store(uc, "password", "new")),
        broken,
    )


def an_address_changes_while_keys_do() -> Race:
    shop = Shop.open()

    def keep(text: str):
        return within(shop, lambda uc: personal.store_many(uc, [PersonalText("order", 1, "delivery", text, NOON + timedelta(days=9))]))

    keep("old")()

    def broken() -> str:
        with shop.use_case() as uc:
            found = personal.read(uc, "order", [1])
        return "" if found == {(1, "delivery"): "new"} else f"the address is {found}"

    return Race(lambda: secrets._reseal_all(shop.organisation.pk, NOON, "system"), keep("new"), broken)


def two_resolve_several() -> Race:
    shop = Shop.open()
    keys = ["first", "second"]
    for key in keys:
        within(shop, lambda uc, key=key: notify.raise_(uc, key, Severity.ERROR, key, ""))()
    with shop.scope():
        last = Notification.objects.get(key="second").pk
    one = within(shop, lambda uc: notify.resolve(uc, *keys))
    return Race(one, one, lambda: "", gate=gate(shop, "core_notification", last))


def an_address_comes_again_when_it_is_due() -> Race:
    """Whoever writes it holds its row; forgetting is one statement and holds nothing while anybody else could come."""
    shop = Shop.open()

    def keep(uc: UseCase, until: datetime) -> object:
        personal.store_many(uc, [PersonalText("order", 1, "delivery", "Ada", until)])
        return personal.read(uc, "order", [1])

    within(shop, lambda uc: keep(uc, NOON))()
    again = within(shop, lambda uc: keep(uc, NOON + timedelta(days=9)))
    return Race(again, lambda: personal.forget_due(NOON + timedelta(days=1)), lambda: "", unhindered=True)


LOCKS: dict[str, Proof] = {
    "core/first_run.py:go_past": Pair("a step that was passed stays passed", two_steps_are_passed, '"core_organisation"'),
    "core/people.py:_keep_an_owner": Pair("an organisation keeps an owner", two_owners_remove_each_other, "core_membership"),
    "core/people.py:change_organisation": Belt(
        "name and time zone change together", "one UPDATE writes both, and its own row lock lasts until the commit"
    ),
    "core/audit_queries.py:lock_chain": Pair("entries are chained one after the other", two_audited_changes, "pg_advisory_xact_lock"),
    "core/secret_queries.py:lock_keys": Pair("one data key is made", the_first_secret_twice, "pg_advisory_xact_lock"),
    "core/secret_queries.py:secrets_under_old_keys": Pair(
        "a secret that changes while it is sealed anew", a_secret_changes_while_keys_do, "FROM core_secret"
    ),
    "core/secret_queries.py:personal_under_old_keys": Pair(
        "personal data that changes while it is sealed anew", an_address_changes_while_keys_do, "FROM core_personaldata"
    ),
    "core/notify_queries.py:resolve": Pair(
        "the order of notifications", two_resolve_several, "core_notification", How.DISORDER, gated=True
    ),
    "core/secret_queries.py:forget_personal": Pair(
        "nobody waits to forget", an_address_comes_again_when_it_is_due, "DELETE FROM core_personaldata", How.WAIT
    ),
    "core/secret_queries.py:data_keys": Belt("data keys while they are wrapped anew", "lock_keys: whoever writes data keys holds it"),
}
