"""What a person sees when an account does not open: the platform's words, the setting by its label, and what to do."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from stallkeeper.channels.models import Connection
from stallkit.errors import AdapterError, NeedsReconnect, SlowDown, TryLater, Unintelligible
from tests.busy_shop import BusyShop, text

GIVEN = {"setting_client_id": "id-1", "setting_client_secret": "secret-77", "name": "Walmart two", "code": "W2", "currency": "USD"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            NeedsReconnect("Walmart refuses the token: expired", status=401),
            "Walmart refuses the token: expired. Either “Client ID” or “Client secret” is wrong, expired or revoked",
        ),
        (
            NeedsReconnect("eMAG does not allow our address", status=403),
            "eMAG does not allow our address. Either “Client ID” or “Client secret”",
        ),
        (NeedsReconnect("the platform refuses us (HTTP 403)", status=403), "or the account does not allow the address of this server"),
        (SlowDown("asked to wait", retry_after=6.2), "Asked to wait. Try again in 7 seconds."),
        (TryLater("the platform failed (HTTP 500)"), "That lies with Walmart Marketplace or the network: try again in some minutes."),
        (Unintelligible("JSON is malformed"), "That lies with Walmart Marketplace or the network"),
    ],
)
def test_an_account_that_does_not_open_says_why_and_what_to_do(
    busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch, error: AdapterError, said: str
) -> None:
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refusing(error))
    response = client.post(reverse("backoffice:connect", args=["walmart"]), GIVEN)
    assert response.status_code == 422
    assert said in text(response)
    assert "Nothing was stored." in text(response)
    assert "secret-77" not in response.content.decode()
    with busy.shop.scope():
        assert not Connection.objects.filter(name="Walmart two").exists()


def test_another_address_is_the_first_thing_to_look_at(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = reverse("backoffice:connect", args=["walmart"])
    for error in (NeedsReconnect("10.0.0.8 is not a public address"), TryLater("no connection"), Unintelligible("HTML")):
        monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refusing(error))
        assert "Look at “Other address”" in text(client.post(address, {**GIVEN, "base_url": "https://10.0.0.8/api"}))


def test_a_missing_setting_stands_at_its_field(busy: BusyShop, client: Client) -> None:
    shown = text(client.post(reverse("backoffice:connect", args=["walmart"]), {**GIVEN, "setting_client_secret": ""}))
    assert "Client secret * This field is required." in shown


def test_credentials_that_stopped_working_say_so_on_the_page_of_the_account(
    busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refusing(NeedsReconnect("revoked", status=401)))
    shown = text(client.post(reverse("backoffice:probe_now", args=[busy.far.connection_id]), follow=True))
    assert "Revoked. Either “Client ID” or “Client secret” is wrong, expired or revoked" in shown


def refusing(error: AdapterError):
    """A probe that ends with this error."""

    def probe(*_args: object) -> None:
        raise error

    return probe
