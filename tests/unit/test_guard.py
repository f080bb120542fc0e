"""What the guarded door lets through, decided from texts and addresses alone (security: SSRF via user URLs). Sockets: tests/contract."""

import ipaddress
import ssl
from contextlib import suppress

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stallkit.guard import AddressNotAllowed, Target, client_for, is_public, meanings, read_url

PUBLIC = "93.184.216.34"


def resolving(*addresses):
    return lambda _host, _port: addresses


TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""No test here connects, and to read the authorities of the system for each client takes longer than all the rest."""


def opens(url, allow, *addresses):
    """Whether there is a client for this address."""
    try:
        client_for(url, allow, resolve=resolving(*addresses), verify=TRUSTS_NOBODY).close()
    except AddressNotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example",
        "file:///etc/passwd",
        "gopher://shop.example",
        "//shop.example",
        "shop.example",
        "",
        "http://",
        "http://user:password@shop.example",
        "http://shop.example:99999",
        "http://shop.example:0",
        "http://[::1",
        "http://a b.example",
        "http://-shop.example",
        "http://shop..example",
        "http://sh\u0000op.example",
    ],
)
def test_what_is_no_plain_web_address_is_refused(url):
    with pytest.raises(AddressNotAllowed):
        client_for(url, resolve=resolving(PUBLIC))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "127.0.0.0x1", "127.0.0.1.", "0"])
def test_odd_spellings_of_numbers_are_refused_whatever_they_resolve_to(host):
    with pytest.raises(AddressNotAllowed, match=r"usual form|Invalid IPv4"):
        client_for(f"http://{host}/", resolve=resolving(PUBLIC))


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛocalhost", "１２７.0.0.1"])
def test_unicode_disguises_gain_nothing(host):
    with pytest.raises(AddressNotAllowed):
        client_for(f"http://{host}/", resolve=lambda name, _port: ["127.0.0.1"] if name == "localhost" else [name])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2001:db8::1",
        "2001:0:7f00:1::",
    ],
)
def test_private_places_are_refused_by_number_and_by_name(address):
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressNotAllowed, match="not a public address"):
        client_for(f"http://{literal}/", resolve=lambda host, _port: [host])
    with pytest.raises(AddressNotAllowed, match=r"shop\.example leads to"):
        client_for("https://shop.example/", resolve=resolving(address))


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_public_places_are_open(address):
    assert opens("https://shop.example/", [], address)


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(AddressNotAllowed):
        client_for("https://shop.example/", resolve=resolving(PUBLIC, "10.0.0.1"))


@pytest.mark.parametrize(
    "allow", [["10.0.0.0/8"], ["10.1.2.3"], ["shop.internal"], ["shop.internal:8443"], ["192.168.0.0/16", "10.1.0.0/16"]]
)
def test_the_operator_opens_networks_and_hosts(allow):
    assert opens("https://shop.internal:8443/", allow, "10.1.2.3")


@pytest.mark.parametrize("allow", [["10.2.0.0/16"], ["shop.internal:443"], ["internal"], ["other.internal"], ["fd00::/8"], [""]])
def test_what_the_operator_did_not_open_stays_shut(allow):
    with pytest.raises(AddressNotAllowed):
        client_for("https://shop.internal:8443/", allow, resolve=resolving("10.1.2.3"))


def test_a_mapped_address_counts_as_the_address_that_it_carries():
    assert opens("http://shop.internal/", ["127.0.0.0/8"], "::ffff:127.0.0.1")
    assert not opens("http://shop.internal/", ["10.0.0.0/8"], "::ffff:127.0.0.1")


def test_a_name_that_does_not_resolve_now_is_for_the_call_to_report():
    def nowhere(_host, _port):
        raise OSError("no such name")

    with client_for("https://shop.example/", resolve=nowhere) as client, pytest.raises(httpx.ConnectError, match="does not resolve"):
        client.get("https://shop.example/")


def test_the_client_serves_one_host_and_port():
    with client_for("https://shop.example/", resolve=resolving(PUBLIC)) as client:
        for other in ("https://other.example/", "http://shop.example/", "https://shop.example:8443/", "http://127.0.0.1/"):
            with pytest.raises(AddressNotAllowed):
                client.get(other)


def test_environment_proxies_are_not_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with client_for("https://shop.example/", resolve=resolving(PUBLIC)) as client:
        assert not client.trust_env
        assert client.follow_redirects is False


def test_the_whole_of_ipv4_loopback_and_private_space_is_shut():
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"):
        for address in (ipaddress.ip_network(network)[0], ipaddress.ip_network(network)[-1]):
            with pytest.raises(AddressNotAllowed):
                client_for("http://shop.example/", resolve=resolving(str(address)))


# --- whatever the text, whatever the address --------------------------------------------------------------------------------------------

SPECIAL_4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
SPECIAL_6 = [
    "::/128",
    "::1/128",
    "::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
"""The registries of special-purpose addresses (IANA, RFC 6890), with what carries IPv4 inside left to ``carried``."""


def within(networks):
    return st.sampled_from(networks).map(ipaddress.ip_network).flatmap(lambda net: st.integers(int(net[0]), int(net[-1])))


def carried(number: int) -> list[str]:
    """Every IPv6 address that means this IPv4 address."""
    address = ipaddress.IPv4Address(number)
    high, low = number >> 16, number & 0xFFFF
    teredo = f"2001:0:5db8:d822::{number >> 16 ^ 0xFFFF:x}:{number & 0xFFFF ^ 0xFFFF:x}"
    return [str(address), f"::ffff:{address}", f"2002:{high:x}:{low:x}::1", f"64:ff9b::{address}", teredo, f"::{address}"]


@given(within(SPECIAL_4))
@example(int(ipaddress.IPv4Address("169.254.169.254")))
def test_no_special_ipv4_address_is_reached_however_it_is_carried(number):
    for text in carried(number):
        assert not opens("http://shop.example/", [], text), text
        assert not opens("http://shop.example/", [], PUBLIC, text), text


@given(within(SPECIAL_6))
def test_no_special_ipv6_address_is_reached(number):
    assert not opens("http://shop.example/", [], str(ipaddress.IPv6Address(number)))


@given(st.integers(0, 2**32 - 1))
def test_what_is_public_stays_public_through_a_gateway(number):
    address = ipaddress.IPv4Address(number)
    assert opens("http://shop.example/", [], f"64:ff9b::{address}") == opens("http://shop.example/", [], str(address)) == is_public(address)


@given(st.integers(0, 2**128 - 1))
def test_every_address_has_a_meaning(number):
    assert meanings(ipaddress.IPv6Address(number))


LOOPBACK_SPELLINGS = st.builds(
    lambda number, form: {
        "decimal": str(number),
        "hex": hex(number),
        "octal": f"0{number:o}",
        "dotted hex": ".".join(hex(byte) for byte in number.to_bytes(4, "big")),
        "dotted octal": ".".join(f"0{byte:o}" for byte in number.to_bytes(4, "big")),
        "padded": ".".join(f"{byte:04}" for byte in number.to_bytes(4, "big")),
        "three": "{}.{}.{}".format(*number.to_bytes(4, "big")[:2], number & 0xFFFF),
        "two": f"{number >> 24}.{number & 0xFFFFFF}",
        "ends with a dot": f"{ipaddress.IPv4Address(number)}.",
    }[form],
    within(SPECIAL_4),
    st.sampled_from(["decimal", "hex", "octal", "dotted hex", "dotted octal", "padded", "three", "two", "ends with a dot"]),
)


@given(LOOPBACK_SPELLINGS, st.sampled_from(["http", "https"]), st.sampled_from(["", ":80", ":8080"]))
def test_a_number_is_taken_in_its_usual_form_only(host, scheme, port):
    """Whatever a resolver would make of it: it is not asked."""
    with pytest.raises(AddressNotAllowed):
        client_for(f"{scheme}://{host}{port}/", resolve=lambda *_: pytest.fail("the resolver was asked"))


SCHEMES = ("http://", "https://", "//", "file:", "ftp:", "gopher:")
MARKS = ("@", ":", "/", "\\", "?", "#", "%40", "%2f", "%00", "\t", "\n", " ", "[", "]", ":80", ":0", ":99999", "user:pass")
HOSTS = ("::1", "127.0.0.1", "localhost", "shop.example", "0x7f", "。", "．", "｡", "①", "ｌ", "\u00ad", "\u200b", "ß", "xn--")
PARTS = st.sampled_from((*SCHEMES, *MARKS, *HOSTS))


@given(st.one_of(st.lists(PARTS, max_size=8).map("".join), st.text(max_size=40).map("http://".__add__)))
@example("http://shop.example@127.0.0.1/")
@example("http://127.0.0.1#@shop.example/")
@example("http://shop.example\\@127.0.0.1/")
def test_every_text_is_refused_or_names_one_host_that_the_client_will_ask_for(url):
    """What was checked is what is called: httpx reads the same host and port in the text as the guard did."""
    with suppress(AddressNotAllowed):
        target = read_url(url)
        parsed = httpx.URL(url)
        assert parsed.scheme in {"http", "https"}
        assert not parsed.userinfo
        assert target == Target(parsed.raw_host.decode().lower().rstrip("."), parsed.port or {"http": 80, "https": 443}[parsed.scheme])


@given(st.lists(st.sampled_from([PUBLIC, "127.0.0.1", "10.0.0.1", "::1", "2606:2800:220:1::1"]), min_size=1, max_size=5))
def test_a_name_opens_only_if_all_that_it_stands_for_is_public(addresses):
    assert opens("https://shop.example/", [], *addresses) == all(is_public(ipaddress.ip_address(each)) for each in addresses)
