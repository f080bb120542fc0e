"""What the guarded door lets through, decided from texts and addresses alone (security: SSRF via user URLs). Sockets: tests/contract."""

import ipaddress

import httpx
import pytest

from stallkit.guard import AddressNotAllowed, client_for

PUBLIC = "93.184.216.34"


def resolving(*addresses):
    return lambda _host, _port: addresses


def opens(url, allow, *addresses):
    """Whether there is a client for this address."""
    try:
        client_for(url, allow, resolve=resolving(*addresses)).close()
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
