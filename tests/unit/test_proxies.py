"""Who asks, behind a proxy: only what the operator's own proxies say is believed."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import RequestFactory

from stallkeeper import env
from stallkeeper.core.proxies import ProxyMiddleware, client_of
from stallkeeper.core.sign_in_limits import client_address

PROXIES = (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    ("nearest", "forwarded", "client"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7, 10.0.0.5", "198.51.100.7"),
        ("127.0.0.1", "10.0.0.9, 10.0.0.5", "10.0.0.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7, nonsense, 10.0.0.5", "10.0.0.5"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_not_ours(nearest, forwarded, client):
    assert client_of(nearest, forwarded, PROXIES) == client


def seen(settings, trusted, address, **headers):
    settings.ENV = replace(django_settings.ENV, trusted_proxies=trusted)
    request = RequestFactory().get("/", REMOTE_ADDR=address, headers=headers)
    ProxyMiddleware(lambda _: HttpResponse())(request)
    return request.META["REMOTE_ADDR"], request.is_secure()


def test_strangers_can_write_what_they_want(settings):
    said = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"}
    assert seen(settings, PROXIES, "198.51.100.7", **said) == ("198.51.100.7", False)
    assert seen(settings, (), "127.0.0.1", **said) == ("127.0.0.1", False)


def test_our_proxy_is_believed(settings):
    said = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    assert seen(settings, PROXIES, "127.0.0.1", **said) == ("198.51.100.7", True)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("", None),
        ("unix:", None),
    ],
)
def test_how_an_address_is_counted(address, counted):
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=address)) == counted


def test_a_wrong_setting_is_named(tmp_path):
    with pytest.raises(env.SettingError, match="STALLKEEPER_TRUSTED_PROXIES must hold addresses"):
        env.load({"STALLKEEPER_HOME": str(tmp_path), "STALLKEEPER_TRUSTED_PROXIES": "my-proxy"})
