"""Envelope encryption: what a stolen dump shows, what a moved row does, and rotations that die half-way."""

import json
import time

import pytest
from django.db import connection

from stallkeeper.core import keyring, secret_queries, secrets
from stallkeeper.core.models import DataKey, Organisation, PersonalData, Secret
from stallkeeper.core.personal import PersonalText, read, store_many
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.core.use_case import use_case

from .conftest import NOON

CANARY = "canary-7f3a-token"


def keep(organisation, text=CANARY, purpose="connection:1"):
    with use_case("store.test", organisation_id=organisation.pk, at=NOON) as uc:
        return secrets.store(uc, purpose, text)


def secret_row(organisation, purpose="connection:1"):
    with organisation_scope(organisation.pk):
        return Secret.objects.get(purpose=purpose)


def test_a_secret_comes_back_and_is_nowhere_in_the_clear(organisation):
    stored = keep(organisation)
    assert secrets.reveal(stored) == secrets.reveal(secret_row(organisation)) == CANARY
    assert CANARY.encode() not in bytes(secret_row(organisation).ciphertext)


def test_storing_again_replaces(organisation):
    first, second = keep(organisation), keep(organisation, "new one")
    assert first.pk == second.pk
    assert secrets.reveal(secret_row(organisation)) == "new one"


def test_a_secret_moved_to_another_row_does_not_open(organisation):
    keep(organisation)
    keep(organisation, "other", "connection:2")
    with organisation_scope(organisation.pk):
        Secret.objects.filter(purpose="connection:2").update(ciphertext=secret_row(organisation).ciphertext)
    with pytest.raises(secrets.SealBroken, match="core_secret:connection:2"):
        secrets.reveal(secret_row(organisation, "connection:2"))


def test_another_organisations_key_does_not_open(organisation):
    other = Organisation.objects.create(name="Other", slug="other", created_at=NOON)
    version, sealed = secrets.Sealer(organisation.pk).seal("t:1", b"text")
    secrets.Sealer(other.pk).seal("t:1", b"so that it has a key")
    with pytest.raises(secrets.SealBroken):
        secrets.Sealer(other.pk).open("t:1", version, sealed)


def test_changed_and_cut_bytes_do_not_open(organisation):
    sealer = secrets.Sealer(organisation.pk)
    version, sealed = sealer.seal("t:1", b"text")
    for broken in (sealed[:-1], sealed[:5], b"", bytes([sealed[0] ^ 1]) + sealed[1:]):
        with pytest.raises(secrets.SealBroken):
            sealer.open("t:1", version, broken)


def test_a_thousand_small_blobs_take_milliseconds(organisation, django_assert_num_queries):
    """The organisation's key is unwrapped once. The clock is that of our own work: others on the machine do not count."""
    sealer = secrets.Sealer(organisation.pk)
    sealer.seal("t:0", b"warm")
    started = time.process_time()
    with django_assert_num_queries(0):
        sealed = [sealer.seal(f"t:{number}", b"x" * 200) for number in range(1_000)]
    seconds = time.process_time() - started
    assert sealer.open("t:999", *sealed[999]) == b"x" * 200
    assert seconds < 0.5, f"1,000 seals took {seconds * 1000:.1f} ms"


def test_the_keyring_is_made_for_its_owner_only(organisation, keyring_file):
    keep(organisation)
    assert keyring_file.stat().st_mode & 0o777 == 0o600
    assert json.loads(keyring_file.read_text())["current"] == "1"


def test_a_missing_keyring_is_said_and_never_replaced(organisation, keyring_file):
    keep(organisation)
    keyring_file.unlink()
    with pytest.raises(keyring.KeyringError, match=r"keyring\.json is missing.*put the file back"):
        secrets.reveal(secret_row(organisation))
    other = Organisation.objects.create(name="Other", slug="other", created_at=NOON)
    with pytest.raises(keyring.KeyringError, match="missing"):
        secrets.Sealer(other.pk).seal("t:1", b"would need a new key")
    assert not keyring_file.exists()


def test_a_keyring_that_others_may_read_is_refused(organisation, keyring_file):
    keep(organisation)
    keyring_file.chmod(0o640)
    with pytest.raises(keyring.KeyringError, match=r"chmod 600"):
        secrets.reveal(secret_row(organisation))


@pytest.mark.parametrize(
    "body", ["", "{}", "not json", '{"current":"1","keys":{}}', '{"current":"1","keys":{"1":{"key":"QUJD","made_at":""}}}']
)
def test_a_damaged_keyring_is_said(organisation, keyring_file, body):
    keep(organisation)
    keyring_file.write_text(body)
    with pytest.raises(keyring.KeyringError, match="damaged"):
        secrets.reveal(secret_row(organisation))


def test_the_keyring_of_another_installation_is_recognised(organisation, keyring_file):
    keep(organisation)
    keyring_file.unlink()
    keyring.make(NOON)
    with pytest.raises(keyring.KeyringError, match="another one than the database was encrypted with"):
        secrets.reveal(secret_row(organisation))


def wrapped_by():
    with across_organisations(Passage.KEYS):
        return set(DataKey.objects.values_list("wrapped_by", flat=True))


def test_rotation_wraps_anew_and_forgets_the_old_key(organisation, keyring_file):
    keep(organisation)
    result = secrets.rotate(at=NOON)
    assert (result.key, result.rewrapped, result.dropped) == ("2", 1, ("1",))
    assert wrapped_by() == {"2"}
    assert list(json.loads(keyring_file.read_text())["keys"]) == ["2"]
    assert secrets.reveal(secret_row(organisation)) == CANARY


def test_rotation_keeps_the_old_key_when_told(organisation):
    keep(organisation)
    assert secrets.rotate(at=NOON, keep_old=True).dropped == ()
    assert set(keyring.read().keys) == {"1", "2"}


def test_rotation_of_one_organisation_leaves_the_key_the_others_use(organisation):
    other = Organisation.objects.create(name="Other", slug="other", created_at=NOON)
    keep(organisation)
    keep(other)
    assert secrets.rotate(organisation.pk, at=NOON).dropped == ()
    assert wrapped_by() == {"1", "2"}
    assert secrets.reveal(secret_row(other)) == CANARY


def test_new_data_keys_seal_every_row_anew(organisation):
    keep(organisation)
    with use_case("store.test", organisation_id=organisation.pk, at=NOON) as uc:
        store_many(uc, [PersonalText("order", number, "delivery", f"name {number}", NOON) for number in range(5)])
    before = bytes(secret_row(organisation).ciphertext)
    result = secrets.rotate(at=NOON, data_keys=True)
    assert (result.new_data_keys, result.resealed) == (1, 6)
    with organisation_scope(organisation.pk):
        assert set(PersonalData.objects.values_list("key_version", flat=True)) == {2}
    row = secret_row(organisation)
    assert (row.key_version, secrets.reveal(row)) == (2, CANARY)
    assert bytes(row.ciphertext) != before
    with use_case("read.test", organisation_id=organisation.pk, at=NOON) as uc:
        assert read(uc, "order", [3]) == {(3, "delivery"): "name 3"}


STEPS = ["rewrap", "replace_secrets", "wrapping_keys_in_use"]


@pytest.mark.parametrize("step", STEPS)
def test_a_rotation_that_dies_can_be_run_again(organisation, monkeypatch, step):
    """Killed at any step, everything still opens, and the next rotation finishes the work with the same new key."""
    keep(organisation)

    def die(*arguments):
        raise KeyboardInterrupt

    calls = []
    real = getattr(secret_queries, step)

    def die_later(*arguments, **named):
        calls.append(1)
        return real(*arguments, **named) if step == "wrapping_keys_in_use" and len(calls) == 1 else die()

    with monkeypatch.context() as patch:
        patch.setattr(secret_queries, step, die_later)
        with pytest.raises(KeyboardInterrupt):
            secrets.rotate(at=NOON, data_keys=True)
    assert secrets.reveal(secret_row(organisation)) == CANARY
    result = secrets.rotate(at=NOON, data_keys=True)
    assert secrets.reveal(secret_row(organisation)) == CANARY
    assert wrapped_by() == {result.key}
    assert set(keyring.read().keys) == {result.key}


def test_two_first_seals_at_once_make_one_data_key(race_db, settings, tmp_path):
    from dataclasses import replace

    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    shop = Organisation.objects.create(name="Shop", slug="shop", created_at=NOON)
    answers = race_db.together(*[lambda n=n: secrets.Sealer(shop.pk).seal(f"t:{n}", b"text") for n in range(4)])
    with across_organisations(Passage.KEYS):
        assert DataKey.objects.count() == 1
    sealer = secrets.Sealer(shop.pk)
    assert [sealer.open(f"t:{n}", *answer) for n, answer in enumerate(answers)] == [b"text"] * 4


def test_reading_goes_on_while_a_rotation_runs(race_db, settings, tmp_path):
    from dataclasses import replace

    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    shop = Organisation.objects.create(name="Shop", slug="shop", created_at=NOON)
    with use_case("store.test", organisation_id=shop.pk, at=NOON) as uc:
        stored = [secrets.store(uc, f"connection:{number}", f"token {number}") for number in range(50)]

    def reader():
        for _ in range(20):
            for number in range(0, 50, 10):
                assert secrets.reveal(secret_row(shop, f"connection:{number}")) == f"token {number}"

    def writer():
        for number in range(20):
            with use_case("store.test", organisation_id=shop.pk, at=NOON) as uc:
                secrets.store(uc, "connection:3", f"written {number}")

    race_db.together(reader, writer, lambda: [secrets.rotate(at=NOON, data_keys=True) for _ in range(3)])
    assert len(stored) == 50
    assert secrets.reveal(secret_row(shop, "connection:3")) == "written 19"
    with organisation_scope(shop.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_secret")
        assert cursor.fetchone() == (50,)
