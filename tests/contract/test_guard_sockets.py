"""The guarded door over real sockets: which server is reached, under which name, and that a name cannot change its mind."""

import contextlib
import datetime
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stallkit import guard
from stallkit.errors import NeedsReconnect
from stallkit.guard import AddressNotAllowed, client_for
from stallkit.http import Door, Request
from stallkit.manifest import Limit
from stallkit.pacing import MemoryPacer

LOOPBACK = ["127.0.0.0/8"]


class Server:
    """Answers every GET with the Host header that it saw, or redirects; counts what reached it."""

    def __init__(self, context=None, location=""):
        self.seen = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.seen.append((self.headers["Host"], self.path))
                body = self.headers["Host"].encode()
                self.send_response(302 if location else 200)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def server():
    with Server() as running:
        yield running


def test_loopback_is_a_tripwire_that_stays_untouched(server):
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0x7f.0.0.1"):
        with pytest.raises(AddressNotAllowed):
            client_for(f"http://{host}:{server.port}/")
    assert server.seen == []


ROADS = (
    "http://{host}:{port}/", "http://shop.example@{host}:{port}/", "http://{host}:{port}#@shop.example",
    "http://{host}:{port}?@shop.example/",
    "http://shop.example\\@{host}:{port}/", "http://{host}.:{port}/", "https://{host}:{port}/", "ftp://{host}:{port}/", "HTTP://{host}:{port}/",
)  # fmt: skip
NAMES_OF_THIS_MACHINE = (
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0",
    "0.0.0.0", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1",
    "127.0.0.01", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７．０．０．１", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "%31%32%37.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("road", ROADS)
def test_no_road_leads_to_this_machine(server, road):
    """With the resolver of the system, and the call really made where the guard lets it: the tripwire stays untouched."""
    for host in NAMES_OF_THIS_MACHINE:
        url = road.format(host=host, port=server.port)
        with contextlib.suppress(AddressNotAllowed, httpx.HTTPError, httpx.InvalidURL), client_for(url) as client:
            client.get(url, timeout=2)
    assert server.seen == []


def test_an_allowed_network_is_reached_with_the_name_kept(server):
    url = f"http://shop.example:{server.port}"
    with client_for(url, LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1"]) as client:
        assert client.get(f"{url}/orders?x=1").text == f"shop.example:{server.port}"
    assert server.seen == [(f"shop.example:{server.port}", "/orders?x=1")]


def test_the_next_address_is_tried_when_one_does_not_answer(server):
    url = f"http://shop.example:{server.port}"
    with client_for(url, LOOPBACK, resolve=lambda _host, _port: ["127.0.0.2", "127.0.0.1"]) as client:
        assert client.get(url).status_code == 200


def test_a_name_that_changes_its_mind_is_not_followed(server, monkeypatch):
    """Rebinding: public when the form was saved, loopback when the call is made."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])
    url = f"http://shop.example:{server.port}"
    with client_for(url, resolve=lambda _host, _port: next(answers)) as client:
        monkeypatch.setattr(guard.time, "monotonic", lambda: 10.0**9)  # the first answer is no longer pinned
        with pytest.raises(AddressNotAllowed):
            client.get(url)
    assert server.seen == []


def test_within_its_minute_a_checked_answer_stays_pinned(server):
    answers = iter([["127.0.0.1"]])
    url = f"http://shop.example:{server.port}"
    with client_for(url, LOOPBACK, resolve=lambda _host, _port: next(answers)) as client:
        assert [client.get(url).status_code for _ in range(3)] == [200, 200, 200]


def test_a_redirect_is_not_followed(server):
    with Server(location=f"http://127.0.0.1:{server.port}/secret") as lure:
        url = f"http://shop.example:{lure.port}"
        with client_for(url, LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1"]) as client:
            assert client.get(url).status_code == 302
            with pytest.raises(AddressNotAllowed):
                client.get(url, follow_redirects=True)
    assert server.seen == []


def test_through_the_door_a_forbidden_address_asks_for_a_person(server):
    """What the engine sees is one of the six errors."""
    answers = iter([["93.184.216.34"], ["10.0.0.1"]])

    def clock():
        return datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)

    client = client_for("http://shop.example", resolve=lambda _host, _port: next(answers))
    client._transport._checked = None
    with client:
        door = Door(client, "http://shop.example", MemoryPacer(clock), clock)
        with pytest.raises(NeedsReconnect, match=r"10\.0\.0\.1"):
            door.call(Request("GET", "/", Limit("all", 10, datetime.timedelta(seconds=1))))


# --- TLS ----------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A private authority's certificate for shop.example: (server context, client context)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(path)
    return served, ssl.create_default_context(cadata=signed.public_bytes(serialization.Encoding.PEM).decode())


def test_tls_checks_the_name_although_the_connection_goes_to_a_number(certificate):
    served, trusting = certificate
    with Server(served) as server:
        for host, fits in (("shop.example", True), ("other.example", False)):
            url = f"https://{host}:{server.port}"
            with client_for(url, LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1"], verify=trusting) as client:
                if fits:
                    assert client.get(url).status_code == 200
                else:
                    with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
                        client.get(url)
