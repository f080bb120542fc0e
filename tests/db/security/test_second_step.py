"""The second step of signing in: nobody is in before it, no code works twice, and no way round it but the one that is written down."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
import time_machine
from click.testing import CliRunner
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.test import Client

from stallkeeper.core import clock, keyring, people, secrets
from stallkeeper.core.models import AuditEntry, Membership, Organisation, RecoveryCode, Role, SecondFactor, User
from stallkeeper.core.second_factor import TRIES, WAIT
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops import boot
from stallkeeper.ops.commands.keeping import users
from tests.busy_shop import is_in, signed_in, text
from tests.shop import Shop, join

PASSWORD = "correct horse battery"
PAGE = "/settings/account/second-step/"
pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


@pytest.fixture
def mia(shop: Shop) -> User:
    user = User.objects.create_user("mia@example.com", PASSWORD, name="Mia")
    join(shop.organisation, user, Role.OWNER)
    return user


class App:
    """An authenticator app that has scanned the code."""

    def __init__(self, secret: str) -> None:
        self.totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)

    def code(self, later: int = 0) -> str:
        return self.totp.generate(int(clock.now().timestamp()) + later).decode()


def set_up(client: Client) -> tuple[App, list[str]]:
    client.post(f"{PAGE}begin/")
    app = App(client.get(PAGE).context["secret"].replace(" ", ""))
    codes = client.post(f"{PAGE}confirm/", {"code": app.code()}).context["codes"]
    return app, codes


def first_step(user: User, password: str = PASSWORD, **more: str) -> Client:
    client = Client()
    client.post("/login/", {"username": user.email, "password": password, **more})
    return client


def actions(shop: Shop) -> list[str]:
    with shop.scope():
        return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_the_password_alone_is_not_enough_any_more(shop: Shop, mia: User) -> None:
    app, codes = set_up(first_step(mia))
    assert len(codes) == 10
    client = first_step(mia, next="/stock/")
    assert not is_in(client)
    assert "Type the code" in text(client.get("/code/"))
    assert client.post("/code/", {"code": "000000"}).status_code == 422
    assert not is_in(client)
    answer = client.post("/code/", {"code": app.code(30)})
    assert (answer.status_code, answer["Location"]) == (302, "/stock/")
    assert is_in(client)
    assert "turn_on.second_factor" in actions(shop)


def test_a_sign_in_link_does_not_go_round_it(mia: User) -> None:
    app, _codes = set_up(signed_in(mia))
    client = Client()
    assert client.post(f"/sign-in/{people.sign_in_link(mia)}/")["Location"] == "/code/"
    assert not is_in(client)
    client.post("/code/", {"code": app.code(30)})
    assert is_in(client)


def test_a_code_works_once_and_only_around_its_time(mia: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        app, _codes = set_up(signed_in(mia))
        used = app.code()
        assert first_step(mia).post("/code/", {"code": used}).status_code == 422
        traveller.shift(90)
        for wrong in (app.code(-90), app.code(90), "12345", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666"):
            assert first_step(mia).post("/code/", {"code": wrong}).status_code == 422, wrong
        SecondFactor.objects.update(failures=0)
        assert first_step(mia).post("/code/", {"code": app.code(-30)}).status_code == 302
        assert first_step(mia).post("/code/", {"code": app.code(30)}).status_code == 302


def test_after_five_wrong_codes_the_right_one_waits_but_a_recovery_code_works(shop: Shop, mia: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        app, codes = set_up(signed_in(mia))
        client = first_step(mia)
        for _try in range(TRIES):
            client.post("/code/", {"code": "000000"})
        assert "Too many wrong codes" in text(client.post("/code/", {"code": app.code(30)}))
        assert client.post("/code/", {"code": codes[0].lower().replace("-", " ")}).status_code == 302
        assert is_in(client)
        assert first_step(mia).post("/code/", {"code": codes[0]}).status_code == 422
        assert "use.recovery_code" in actions(shop)
        traveller.shift(WAIT + timedelta(seconds=1))
        assert first_step(mia).post("/code/", {"code": app.code()}).status_code == 302


def test_the_first_step_is_good_for_ten_minutes_for_one_person_and_one_password(mia: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        app, _codes = set_up(signed_in(mia))
        late, changed, gone = first_step(mia), first_step(mia), first_step(mia)
        traveller.shift(601)
        assert late.post("/code/", {"code": app.code()})["Location"] == "/login/"
        changed = first_step(mia)
        mia.set_password("another horse battery")
        mia.save()
        assert changed.post("/code/", {"code": app.code()})["Location"] == "/login/"
        gone = first_step(mia, "another horse battery")
        User.objects.update(is_active=False)
        assert gone.post("/code/", {"code": app.code()})["Location"] == "/login/"
    assert Client().get("/code/")["Location"] == "/login/"


def test_an_open_redirect_is_not_followed_after_the_code(mia: User) -> None:
    app, _codes = set_up(signed_in(mia))
    client = first_step(mia, next="https://evil.example/")
    assert client.post("/code/", {"code": app.code(30)})["Location"] == "/"


def test_the_secret_is_sealed_shown_only_until_it_is_confirmed_and_survives_a_rotation(mia: User) -> None:
    client = signed_in(mia)
    client.post(f"{PAGE}begin/")
    shown = client.get(PAGE).context["secret"].replace(" ", "")
    plain = base64.b32decode(shown)
    factor = SecondFactor.objects.get()
    assert plain not in bytes(factor.sealed)
    app = App(shown)
    codes = client.post(f"{PAGE}confirm/", {"code": app.code()}).context["codes"]
    page = client.get(PAGE).content.decode()
    assert shown not in page.replace(" ", "")
    assert not any(code in page for code in codes)
    assert not any(code.replace("-", "") in str(list(RecoveryCode.objects.values())) for code in codes)
    done = secrets.rotate()
    assert done.dropped == (factor.wrapped_by,)
    assert SecondFactor.objects.get().wrapped_by == keyring.read().current
    assert first_step(mia).post("/code/", {"code": app.code(30)}).status_code == 302


def test_a_secret_moved_to_another_person_does_not_open(mia: User) -> None:
    set_up(signed_in(mia))
    other = User.objects.create_user("other@example.com", PASSWORD)
    factor = SecondFactor.objects.get()
    SecondFactor.objects.create(
        user=other, sealed=factor.sealed, wrapped_by=factor.wrapped_by, begun_at=clock.now(), confirmed_at=clock.now()
    )
    with pytest.raises(secrets.SealBroken):
        first_step(other).post("/code/", {"code": "123456"})


def test_setting_it_up_ends_the_other_sessions(mia: User) -> None:
    here, elsewhere = signed_in(mia), signed_in(mia)
    assert is_in(here)
    assert is_in(elsewhere)
    set_up(here)
    assert is_in(here)
    assert not is_in(elsewhere)


def test_new_recovery_codes_and_switching_it_off_need_a_code(shop: Shop, mia: User) -> None:
    client = signed_in(mia)
    app, codes = set_up(client)
    for act in ("codes", "off"):
        assert client.post(f"{PAGE}change/", {"act": act, "code": "000000"}).status_code == 422
    fresh = client.post(f"{PAGE}change/", {"act": "codes", "code": codes[0]}).context["codes"]
    assert not set(fresh) & set(codes)
    assert client.post(f"{PAGE}change/", {"act": "off", "code": app.code(30)}).status_code == 302
    assert is_in(first_step(mia))
    assert not RecoveryCode.objects.exists()
    assert actions(shop)[-2:] == ["make.recovery_codes", "turn_off.second_factor"]


def require(shop: Shop) -> None:
    Organisation.objects.filter(pk=shop.organisation.pk).update(second_factor_required=True)


def test_where_it_is_required_nothing_is_seen_before_it_is_set_up(shop: Shop, mia: User) -> None:
    Organisation.objects.filter(pk=shop.organisation.pk).update(name="Canary Trading")
    require(shop)
    client = first_step(mia)
    for path in ("/", "/orders/", "/settings/", "/settings/people/", "/offers/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, PAGE), path
    assert client.get("/orders/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    shown = text(client.get(PAGE))
    assert "asks its members to sign in in two steps" in shown
    assert "Canary Trading" not in shown
    set_up(client)
    assert is_in(client)


def test_a_session_that_never_showed_a_code_is_worth_nothing_where_it_is_required(shop: Shop, mia: User) -> None:
    old = signed_in(mia)
    assert is_in(old)
    app, _codes = set_up(signed_in(mia))
    assert not is_in(old)
    without = signed_in(mia)
    require(shop)
    assert without.get("/orders/")["Location"] == PAGE
    assert "sign out and in again" in text(without.get(PAGE))
    client = first_step(mia)
    client.post("/code/", {"code": app.code(30)})
    assert is_in(client)


def test_an_owner_requires_it_only_after_his_own(shop: Shop, mia: User) -> None:
    client = first_step(mia)
    form = {"name": "Shop", "time_zone": "UTC", "second_factor_required": "on"}
    refused = client.post("/settings/company/", form)
    assert refused.status_code == 422
    assert "First set up two-step sign-in for yourself" in text(refused)
    set_up(client)
    assert client.post("/settings/company/", form).status_code == 302
    assert Organisation.objects.get(pk=shop.organisation.pk).second_factor_required
    assert is_in(client)


def test_an_owner_switches_it_off_for_a_member_of_this_organisation_alone(shop: Shop, mia: User) -> None:
    anna = User.objects.create_user("anna@example.com", PASSWORD)
    join(shop.organisation, anna, Role.WAREHOUSE)
    theirs = signed_in(anna)
    set_up(theirs)
    with shop.scope():
        pk = Membership.objects.get(user=anna).pk
    owner = signed_in(mia)
    path = f"/settings/people/{pk}/second-step/"
    assert "Be sure that it is really this person" in text(owner.post(path))
    assert SecondFactor.objects.filter(user=anna).exists()
    elsewhere = Shop.open()
    join(elsewhere.organisation, anna, Role.READ_ONLY)
    assert owner.post(path, {"sure": "1"}).status_code == 422
    assert SecondFactor.objects.filter(user=anna).exists()
    with organisation_scope(elsewhere.organisation.pk):
        Membership.objects.filter(user=anna, organisation=elsewhere.organisation).delete()
    assert owner.post(path, {"sure": "1"}).status_code == 302
    assert not SecondFactor.objects.filter(user=anna).exists()
    assert not is_in(theirs)
    assert is_in(first_step(anna))
    with shop.scope():
        entry = AuditEntry.objects.get(action="reset.second_factor")
    assert (entry.actor, entry.subject_id) == (mia.actor, str(anna.pk))


def test_whoever_runs_the_machine_can_switch_it_off(mia: User, monkeypatch) -> None:
    monkeypatch.setattr(boot, "start", lambda **_: None)
    client = signed_in(mia)
    set_up(client)
    done = CliRunner().invoke(users, ["one-step", "MIA@example.com", "--yes"])
    assert (done.exit_code, done.output) == (0, "mia@example.com signs in in one step now.\n")
    assert not is_in(client)
    assert is_in(first_step(mia))


def test_the_qr_code_is_a_picture_of_the_page_itself(mia: User) -> None:
    client = signed_in(mia)
    client.post(f"{PAGE}begin/")
    page = client.get(PAGE).content.decode()
    assert re.search(r'<img src="data:image/svg\+xml', page)
    assert client.get(PAGE).context["secret"].replace(" ", "").isalnum()
