"""Who may do what, and links that sign in once."""

from datetime import timedelta

import pytest

from stallkeeper.core import people
from stallkeeper.core.models import Membership, Organisation, Role, SignInLink, User
from stallkeeper.core.people import PeopleError, Permission, can
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case

from .conftest import NOON


@pytest.fixture
def user(db):
    return people.create_user(" Ana.Pop@Example.com ", "Ana Pop")


def give(organisation, user, role):
    with use_case("test.people", organisation_id=organisation.pk, at=NOON) as uc:
        return people.add_member(uc, user, role)


def test_a_new_organisation_sends_nothing(organisation):
    assert Organisation.objects.get(pk=organisation.pk).sending_enabled is False


@pytest.mark.parametrize(
    ("name", "slug", "zone", "words"),
    [("", "x", "UTC", "Name"), ("A", "a b", "UTC", "Short name"), ("A", "a", "Mars/Base", "Time zone"), ("A", "corner", "UTC", "taken")],
)
def test_a_wrong_organisation_is_refused_by_field(organisation, name, slug, zone, words):
    with pytest.raises(PeopleError, match=words):
        people.create_organisation(name, slug, zone)
    assert Organisation.objects.count() == 1


def test_addresses_are_one_whatever_their_case(user):
    assert user.email == "ana.pop@example.com"
    with pytest.raises(PeopleError, match="there is a user"):
        people.create_user("ANA.POP@example.com")
    with pytest.raises(PeopleError, match="is not one"):
        people.create_user("ana.pop")


def test_roles_allow_what_the_table_says(organisation, user):
    allowed = {role: [can(give(organisation, user, role), permission) for permission in Permission] for role in [*Role][1:]}
    owner = give(organisation, user, Role.OWNER)
    assert all(can(owner, permission) for permission in Permission)
    assert not can(owner, "no_such_permission")
    for role, row in allowed.items():
        assert row == [permission in people.PERMISSIONS[role] for permission in Permission]
    assert not any(can(None, permission) for permission in Permission)


def test_only_owners_manage_users_and_readers_see_no_personal_data():
    assert [role for role in Role if Permission.MANAGE_USERS in people.PERMISSIONS[role]] == [Role.OWNER]
    assert Permission.SEE_PERSONAL_DATA not in people.PERMISSIONS[Role.READ_ONLY]
    assert Permission.EDIT_RULES not in people.PERMISSIONS[Role.WAREHOUSE] | people.PERMISSIONS[Role.ACCOUNTANT]


def test_a_person_switched_off_may_nothing(organisation, user):
    membership = give(organisation, user, Role.OWNER)
    membership.user.is_active = False
    assert not can(membership, Permission.VIEW_ORDERS)


def test_the_last_owner_stays(organisation, user):
    give(organisation, user, Role.OWNER)
    with pytest.raises(PeopleError, match="only owner"):
        give(organisation, user, Role.WAREHOUSE)
    with pytest.raises(PeopleError, match="only owner"), use_case("test.people", organisation_id=organisation.pk, at=NOON) as uc:
        people.remove_member(uc, user)
    give(organisation, people.create_user("second@example.com"), Role.OWNER)
    with use_case("test.people", organisation_id=organisation.pk, at=NOON) as uc:
        people.remove_member(uc, user)
    with organisation_scope(organisation.pk):
        assert Membership.objects.get().user.email == "second@example.com"


def test_a_link_signs_in_once(user):
    token = people.sign_in_link(user, 24, at=NOON)
    assert people.use_link(token, at=NOON + timedelta(hours=23)) == user
    assert people.use_link(token, at=NOON + timedelta(hours=23)) is None


def test_a_link_expires_and_only_its_hash_is_kept(user):
    token = people.sign_in_link(user, 1, at=NOON)
    assert token not in str(list(SignInLink.objects.values()))
    assert people.use_link(token, at=NOON + timedelta(hours=1)) is None
    assert people.use_link("unknown", at=NOON) is None
    assert people.use_link("", at=NOON) is None


def test_a_link_of_a_person_switched_off_does_not_work(user):
    token = people.sign_in_link(user, at=NOON)
    User.objects.update(is_active=False)
    assert people.use_link(token, at=NOON) is None


def test_of_two_uses_at_once_one_wins(race_db):
    person = people.create_user("ana@example.com")
    for _ in range(5):
        token = people.sign_in_link(person, at=NOON)
        answers = race_db.together(*[lambda token=token: people.use_link(token, at=NOON)] * 4)
        assert sorted(answer is None for answer in answers) == [False, True, True, True]
