"""Ways of telling: addresses are checked, named without giving them away, and reached only where they may lead (ADR 0070)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import smtplib
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests

from stallkit.errors import NeedsReconnect, Refused, TryLater
from stallkit.sources.door import Door
from stallkit.telling import send as telling
from stallkit.telling.addresses import check, hint, mails
from stallkit.telling.kinds import KINDS
from stallkit.telling.types import MailServer, Message

MESSAGE = Message("msg_7_1", "Shop: eMAG is silent", "No orders since 09:12", "https://hub.example.com/problems/", datetime.now(UTC), True)
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7F"
TEAMS = (
    "https://prod-10.westeurope.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/invoke?sig=KODuebWb"
)
GOOD = {
    "email": {"to": "ops@example.com, owner@example.com"},
    "slack": {"url": SLACK},
    "teams": {"url": TEAMS},
    "discord": {"url": "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"},
    "telegram": {"token": "123456789:abcdefg_hijklmnop-qrstu", "chat": "-10012315544"},
    "pushover": {"user": "u" * 30, "token": "a" * 30},
    "ntfy": {"server": "https://ntfy.sh", "topic": "stall-7", "token": ""},
    "webhook": {"url": "https://erp.example.com/hook?key=hidden77"},
}
HOSTS = {"slack": "hooks.slack.com", "teams": "logic.azure.com", "discord": "discord.com"} | {
    "telegram": "api.telegram.org",
    "pushover": "api.pushover.net",
}
SERVER = MailServer("mail.example.com", 587, "starttls", "user", "pass-word-9", "hub@example.com")


def test_every_way_has_a_sample():
    assert set(GOOD) == set(KINDS)


@pytest.mark.parametrize("kind", GOOD)
def test_good_addresses_pass_and_their_hints_tell_nobody_how_to_use_them(kind: str):
    check(kind, GOOD[kind])
    named = hint(kind, GOOD[kind])
    assert named
    secret = [value for name, value in GOOD[kind].items() if name != "server" and value]
    assert all(value not in named for value in secret)
    assert "hidden77" not in named


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("email", {"to": "no address"}),
        ("email", {"to": "a@b.de\nBcc: x@y.de"}),
        ("email", {"to": ""}),
        ("email", {"to": ",".join(f"a{n}@example.com" for n in range(11))}),
        ("slack", {"url": "https://evil.example.com/services/T1/A1/x"}),
        ("slack", {"url": SLACK.replace("https", "http")}),
        ("slack", {"url": SLACK.replace("slack.com", "slack.com.evil.example")}),
        ("slack", {"url": "https://user:pw@hooks.slack.com/services/a/b/c"}),
        ("slack", {"url": SLACK.replace("slack.com", "slack.com:8443")}),
        ("teams", {"url": "https://evil-logic.azure.com.example.com/workflows/x"}),
        ("discord", {"url": "https://discord.com.evil.example/api/webhooks/1/x"}),
        ("discord", {"url": "https://discord.com/api/webhooks/1/x?template=file:///etc/passwd"}),
        ("slack", {"url": f"{SLACK}?template=http://169.254.169.254/latest"}),
        ("telegram", {"token": "123456789:abc/../../x", "chat": "123"}),
        ("telegram", {"token": "123456789:abcdefg_hijklmnop-qrstu", "chat": "@somebody/x"}),
        ("pushover", {"user": "u" * 29, "token": "a" * 30}),
        ("ntfy", {"server": "https://ntfy.sh/other", "topic": "x"}),
        ("ntfy", {"server": "ftp://ntfy.sh", "topic": "x"}),
        ("ntfy", {"server": "https://ntfy.sh", "topic": "a/b"}),
        ("webhook", {"url": "file:///etc/passwd"}),
    ],
)
def test_what_is_no_address_is_refused_with_its_field(kind: str, wrong: dict[str, str]):
    with pytest.raises(NeedsReconnect) as refused:
        check(kind, wrong)
    assert len(refused.value.detail) > 10


@pytest.mark.parametrize("kind", sorted(HOSTS))
def test_services_are_called_at_their_own_host_and_redirects_are_not_followed(kind: str, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("apprise")
    called: list[tuple[str, object]] = []

    def request(self, method, url, **how):
        called.append((url, how["allow_redirects"]))
        answer = requests.Response()
        answer.status_code, answer._content = 200, b'{"ok": true, "status": 1}'
        if kind == "slack":
            answer._content = b"ok"
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    telling.send(kind, GOOD[kind], MESSAGE, Door())
    assert called
    for url, redirects in called:
        assert requests.utils.urlparse(url).hostname.endswith(HOSTS[kind])
        assert url.startswith("https://")
        assert redirects is False


CARD = b'{"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": "of our machine"}]}'


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("kind", ["slack", "discord", "teams"])
def test_what_is_added_to_a_web_hook_opens_nothing(kind: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Apprise reads options of its own from the query: a file or an address to take the message from, whether to check certificates."""
    pytest.importorskip("apprise")
    called: list[tuple[str, str]] = []

    def request(self, method, url, **how):
        called.append((url, str(how)))
        answer = requests.Response()
        answer.status_code, answer.raw = 200, BytesIO(CARD)
        return answer

    card = tmp_path / "card.json"
    card.write_bytes(CARD)
    opened = {"file": card.as_uri(), "http": "http://169.254.169.254/latest"}[scheme]
    url = GOOD[kind]["url"]
    monkeypatch.setattr(requests.Session, "request", request)
    with suppress(NeedsReconnect):
        telling.send(kind, {"url": f"{url}{'&' if '?' in url else '?'}template={quote(opened)}&verify=no"}, MESSAGE, Door())
    assert all(urlsplit(url).hostname.endswith(HOSTS[kind]) for url, _how in called)
    assert all("of our machine" not in how and "'verify': False" not in how for _url, how in called)
    assert kind != "teams" or "KODuebWb" in called[0][1], "what signs the address is a part of it"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("slack", "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD"),
        ("slack", "https://hooks.slack.com/workflows/T1JJ3T3L2/hidden77"),
        ("teams", TEAMS.replace("sig=KODuebWb", "sig=hidden77.x")),
        ("teams", TEAMS.partition("?")[0]),
        ("discord", "https://discord.com/api/webhooks/hidden77"),
    ],
)
def test_a_web_hook_that_its_service_does_not_know_is_said_without_its_secret(kind: str, url: str):
    pytest.importorskip("apprise")
    with pytest.raises(NeedsReconnect) as refused:
        telling.send(kind, {"url": url}, MESSAGE, Door())
    assert refused.value.detail == f"this is no web hook of {KINDS[kind].title}; copy it once more"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(("status", "error"), [(404, Refused), (403, Refused), (503, TryLater), (429, TryLater)])
def test_what_a_service_says_decides_whether_it_is_tried_again_and_holds_no_secret(status, error, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("apprise")

    def request(self, method, url, **how):
        answer = requests.Response()
        answer.status_code, answer._content = status, f"refused {url}".encode()
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    with pytest.raises(error) as failed:
        telling.send("slack", GOOD["slack"], MESSAGE, Door())
    assert str(status) in failed.value.detail
    assert "TIiajkdnlazkcOXrIdevi7F" not in failed.value.detail


def test_a_service_that_cannot_be_reached_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("apprise")

    def request(self, method, url, **how):
        raise requests.ConnectionError(f"no way to {url}")

    monkeypatch.setattr(requests.Session, "request", request)
    with pytest.raises(TryLater) as failed:
        telling.send("discord", GOOD["discord"], MESSAGE, Door())
    assert "JHMHI8qBe7bk2ZwO5U711o3dV_js" not in failed.value.detail


class Mail:
    """Stands in for a mail server; remembers what it was handed."""

    def __init__(self, refuse: Exception | None = None, refused: dict[str, tuple[int, bytes]] | None = None) -> None:
        self.refuse, self.refused, self.letters, self.said = refuse, refused or {}, [], []

    def __call__(self, host: str, port: int, **_how: object) -> Mail:
        self.said.append((host, port))
        return self

    def starttls(self, **_how: object) -> None:
        self.said.append("starttls")

    def login(self, user: str, password: str) -> None:
        self.said.append((user, password))

    def send_message(self, letter: EmailMessage) -> dict[str, tuple[int, bytes]]:
        if self.refuse:
            raise self.refuse
        self.letters.append(letter)
        return self.refused

    def close(self) -> None: ...

    def __enter__(self) -> Mail:
        return self

    def __exit__(self, *_error: object) -> None: ...


def test_an_e_mail_is_handed_over_encrypted_and_names_no_more_than_it_must(monkeypatch: pytest.MonkeyPatch):
    server = Mail()
    monkeypatch.setattr(smtplib, "SMTP", server)
    telling.send("email", GOOD["email"], MESSAGE, Door(), SERVER)
    assert server.said == [("mail.example.com", 587), "starttls", ("user", "pass-word-9")]
    (letter,) = server.letters
    assert letter["Subject"] == "Shop: eMAG is silent"
    assert letter["To"] == "ops@example.com, owner@example.com"
    assert letter["Message-ID"] == "<msg_7_1@example.com>"
    assert "No orders since 09:12\n\nhttps://hub.example.com/problems/" in letter.get_content()


def test_a_title_cannot_add_headers(monkeypatch: pytest.MonkeyPatch):
    server = Mail()
    monkeypatch.setattr(smtplib, "SMTP", server)
    message = Message("msg_7_1", "a\r\nBcc: x@example.com", "", "", datetime.now(UTC))
    telling.send("email", GOOD["email"], message, Door(), SERVER)
    assert server.letters[0]["Bcc"] is None


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (smtplib.SMTPRecipientsRefused({"ops@example.com": (550, b"no such user")}), Refused),
        (smtplib.SMTPRecipientsRefused({"ops@example.com": (451, b"greylisted")}), TryLater),
        (smtplib.SMTPRecipientsRefused({"ops@example.com": (550, b"no"), "owner@example.com": (451, b"later")}), TryLater),
        (smtplib.SMTPAuthenticationError(535, b"pass-word-9 is wrong"), TryLater),
        (smtplib.SMTPSenderRefused(452, b"later", "hub@example.com"), TryLater),
        (smtplib.SMTPDataError(554, b"spam"), Refused),
        (OSError("gone"), TryLater),
    ],
)
def test_what_the_mail_server_says_decides(refusal: Exception, error: type[Exception], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smtplib, "SMTP", Mail(refusal))
    with pytest.raises(error) as failed:
        telling.send("email", GOOD["email"], MESSAGE, Door(), SERVER)
    assert "pass-word-9" not in failed.value.detail
    assert "ops@example.com" not in failed.value.detail


def test_one_address_of_several_that_is_refused_is_said_and_the_others_are_told_once(monkeypatch: pytest.MonkeyPatch):
    server = Mail(refused={"ops@example.com": (451, b"no such user")})
    monkeypatch.setattr(smtplib, "SMTP", server)
    with pytest.raises(Refused) as failed:
        telling.send("email", GOOD["email"], MESSAGE, Door(), SERVER)
    assert len(server.letters) == 1
    assert "the others were told" in failed.value.detail


def test_without_a_mail_server_somebody_is_told_what_to_set():
    with pytest.raises(NeedsReconnect) as failed:
        telling.send("email", GOOD["email"], MESSAGE, Door(), None)
    assert "STALLKEEPER_SMTP_URL" in failed.value.detail


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "http://0x7f000001/"]
)
def test_what_only_this_machine_can_reach_is_not_told(url: str):
    with pytest.raises(NeedsReconnect):
        telling.send("webhook", {"url": url}, MESSAGE, Door())
    with pytest.raises(NeedsReconnect):
        telling.send("ntfy", {"server": url.removesuffix("latest"), "topic": "x"}, MESSAGE, Door())


def test_a_signature_is_that_of_the_standard():
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    expected = base64.b64encode(hmac.new(b"k" * 24, b'msg_1.1700000000.{"a":1}', hashlib.sha256).digest()).decode()
    assert telling.signature(secret, "msg_1", "1700000000", b'{"a":1}') == f"v1,{expected}"


def test_mails_takes_blanks_and_double_commas():
    assert mails(" a@example.com,, b@example.com ") == ["a@example.com", "b@example.com"]
