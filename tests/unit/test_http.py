"""The door: what each ending of a call means, what it reads at most, and that no secret gets out (invariants 16, 19)."""

import gzip
import zlib
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from stallkit import http
from stallkit.errors import NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater, Unintelligible
from stallkit.http import HIDDEN, Door, Reply, Request, hide, hide_body, retry_after, unpacked
from stallkit.manifest import Limit
from stallkit.pacing import MemoryPacer

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LIMIT = Limit("all", 100, timedelta(minutes=1))


class Stage:
    """A door on a transport that answers as told, with its recordings."""

    def __init__(self, answer, **door):
        self.seen, self.recorded = [], []

        def handle(request):
            self.seen.append(request)
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.client = httpx.Client(transport=httpx.MockTransport(handle))
        self.pacer = MemoryPacer(lambda: NOW)
        self.door = Door(self.client, "https://api.example/base/", self.pacer, lambda: NOW, self.recorded.append, **door)

    def get(self, **changes):
        return self.door.call(Request("GET", "/orders", LIMIT, **changes))

    def post(self, **changes):
        return self.door.call(Request("POST", "/orders", LIMIT, writes=True, **changes))


class Stream(httpx.SyncByteStream):
    """A body that arrives in chunks, as from a socket."""

    def __init__(self, chunks):
        self.chunks = chunks
        self.taken = 0

    def __iter__(self):
        for chunk in self.chunks:
            self.taken += 1
            yield chunk


# --- what an ending means -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reading", "writing"),
    [
        (302, Unintelligible, OutcomeUnknown),
        (400, Refused, Refused),
        (401, NeedsReconnect, NeedsReconnect),
        (403, NeedsReconnect, NeedsReconnect),
        (404, Refused, Refused),
        (408, TryLater, OutcomeUnknown),
        (409, Refused, Refused),
        (429, SlowDown, SlowDown),
        (500, TryLater, OutcomeUnknown),
        (503, TryLater, OutcomeUnknown),
        (520, TryLater, OutcomeUnknown),
    ],
)
def test_a_status_becomes_the_error_that_says_what_to_do(status, reading, writing):
    with pytest.raises(reading) as read:
        Stage(httpx.Response(status)).get()
    with pytest.raises(writing) as written:
        Stage(httpx.Response(status)).post()
    assert read.value.status == written.value.status == status


REQUEST = httpx.Request("GET", "https://api.example/")


@pytest.mark.parametrize(
    ("ending", "reading", "writing"),
    [
        (httpx.ConnectError("no"), TryLater, TryLater),
        (httpx.ConnectTimeout("no"), TryLater, TryLater),
        (httpx.PoolTimeout("no"), TryLater, TryLater),
        (httpx.ReadTimeout("no"), TryLater, OutcomeUnknown),
        (httpx.WriteError("no"), TryLater, OutcomeUnknown),
        (httpx.ReadError("no"), TryLater, OutcomeUnknown),
        (httpx.RemoteProtocolError("no"), TryLater, OutcomeUnknown),
        (httpx.UnsupportedProtocol("no"), Refused, Refused),
    ],
)
def test_a_call_without_reply_is_unknown_only_if_something_may_have_been_sent(ending, reading, writing):
    with pytest.raises(reading):
        Stage(ending).get()
    with pytest.raises(writing):
        Stage(ending).post()


def test_a_good_reply_comes_back_with_lower_case_headers():
    reply = Stage(httpx.Response(200, headers={"X-Rate": "5"}, content=b"{}")).get()
    assert (reply.status, reply.body, reply.headers["x-rate"]) == (200, b"{}", "5")


def test_an_accepted_status_is_the_adapters_to_read():
    assert Stage(httpx.Response(404, content=b"gone")).get(accept=frozenset({404})).body == b"gone"


def test_an_adapters_own_reading_of_an_error_comes_first():
    own = Refused("not on Sundays", code="sunday")
    with pytest.raises(Refused, match="Sundays"):
        Stage(httpx.Response(500), read_error=lambda _: own).get()


def test_a_call_may_go_to_another_address_of_the_platform():
    """Wildberries answers at one host per category; a test system that answers for all has one."""
    stage = Stage(httpx.Response(200, json={}), hosts={"content": "https://content.example/x/"})
    for host in ("content", "prices", ""):
        stage.door.call(Request("GET", "/cards", LIMIT, host=host))
    assert [str(request.url) for request in stage.seen] == ["https://content.example/x/cards"] + ["https://api.example/base/cards"] * 2


def test_a_refusal_costs_what_the_limit_says():
    """Wildberries counts a 4XX as ten calls; a 429 blocks instead."""
    dear = Limit("dear", 20, timedelta(minutes=1), refusal_cost=10)
    stage = Stage(httpx.Response(409, json={}))
    with pytest.raises(Refused):
        stage.door.call(Request("GET", "/x", dear))
    assert stage.pacer.buckets()["dear"].tokens == 10
    stage = Stage(httpx.Response(404))
    stage.door.call(Request("GET", "/x", dear, accept=frozenset({404})))
    assert stage.pacer.buckets()["dear"].tokens == 10, "a refusal that the adapter reads itself costs as much"
    stage = Stage(httpx.Response(429))
    with pytest.raises(SlowDown):
        stage.door.call(Request("GET", "/x", dear))
    assert stage.pacer.buckets()["dear"].tokens == 19


def test_429_blocks_the_bucket_until_it_is_due():
    stage = Stage(httpx.Response(429, headers={"Retry-After": "40"}))
    with pytest.raises(SlowDown) as first:
        stage.get()
    assert first.value.retry_after == 40
    with pytest.raises(SlowDown):
        stage.get()
    assert len(stage.seen) == 1


def test_the_budget_is_spent_before_the_call():
    stage = Stage(httpx.Response(200))
    tight = Limit("tight", 1, timedelta(minutes=1))
    stage.door.call(Request("GET", "/", tight))
    with pytest.raises(SlowDown, match="tight"):
        stage.door.call(Request("GET", "/", tight))
    assert len(stage.seen) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("-5", 1),
        ("1.5", 1.5),
        ("", 30),
        ("soon", 30),
        ("nan", 30),
        ("inf", 6 * 3600),
        ("9999999", 6 * 3600),
        ("Mon, 02 Mar 2026 10:00:50 GMT", 50),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 1),
        ("Mon, 99 Mar 2026 10:00:50 GMT", 30),
    ],
)
def test_retry_after_in_every_form(text, seconds):
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_decoding_names_the_field_and_tells_reads_from_writes():
    class Wanted(msgspec.Struct):
        quantity: int

    with pytest.raises(Unintelligible, match="quantity"):
        Reply(200, {}, b"{}").decode(Wanted)
    with pytest.raises(OutcomeUnknown, match="quantity"):
        Reply(200, {}, b"{}", writes=True).decode(Wanted)
    with pytest.raises(Unintelligible):
        Reply(200, {"content-type": "text/html"}, b"<html>").decode(Wanted)
    with pytest.raises(Unintelligible):
        Reply(200, {}, b'{"quantity": "\xff"}').decode(Wanted)


# --- what goes out ------------------------------------------------------------------------------------------------------------------------


def test_the_request_is_built_on_the_base_url():
    stage = Stage(httpx.Response(200))
    stage.door.call(Request("POST", "/a%40b", LIMIT, params=[("x", "1"), ("x", "2")], json={"q": 1}, headers={"X-Own": "y"}))
    sent = stage.seen[0]
    assert str(sent.url) == "https://api.example/base/a%40b?x=1&x=2"
    assert (sent.content, sent.headers["content-type"], sent.headers["x-own"]) == (b'{"q":1}', "application/json", "y")


def test_a_body_and_files_go_out_as_they_are():
    stage = Stage(httpx.Response(200))
    stage.door.call(Request("POST", "/", LIMIT, body=b"<x/>", headers={"Content-Type": "text/xml"}))
    stage.door.call(Request("POST", "/", LIMIT, files={"file": ("f.json", b"[1]", "application/json")}))
    assert stage.seen[0].content == b"<x/>"
    assert b'filename="f.json"' in stage.seen[1].content


def test_cookies_of_one_account_do_not_reach_the_next():
    stage = Stage(httpx.Response(200, headers={"Set-Cookie": "session=abc"}))
    stage.get()
    stage.get()
    assert "cookie" not in stage.seen[1].headers


def test_redirects_are_not_followed_even_by_a_client_that_would():
    stage = Stage(httpx.Response(307, headers={"Location": "https://elsewhere.example/"}))
    stage.client.follow_redirects = True
    with pytest.raises(Unintelligible, match="elsewhere"):
        stage.get()
    assert len(stage.seen) == 1


def test_an_impossible_address_is_refused_not_a_crash():
    with pytest.raises(Refused, match="address"):
        Stage(httpx.Response(200)).door.with_(base_url="http://[::1").call(Request("GET", "/", LIMIT))


# --- how much comes in --------------------------------------------------------------------------------------------------------------------


def streamed(chunks, **headers):
    return httpx.Response(200, headers=headers, stream=Stream(chunks))


def test_a_compressed_reply_is_unpacked():
    body = b'{"orders":[]}' * 1_000
    packed = gzip.compress(body)
    reply = Stage(streamed([packed[:10], packed[10:]], **{"Content-Encoding": "gzip"})).get()
    assert reply.body == body


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(http, "MAX_BODY", 1024 * 1024)
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b"\0" * (200 * 1024 * 1024)) + packer.flush()
    sizes = []
    inflate = http.unpacked

    def watching(chunks, encoding):
        for piece in inflate(chunks, encoding):
            sizes.append(len(piece))
            yield piece

    monkeypatch.setattr(http, "unpacked", watching)
    with pytest.raises(Unintelligible, match="larger than"):
        Stage(streamed([bomb], **{"Content-Encoding": "gzip"})).get()
    assert sum(sizes) < 3 * 1024 * 1024


def test_a_large_plain_reply_is_cut_off(monkeypatch):
    monkeypatch.setattr(http, "MAX_BODY", 1_000)
    stream = Stream([b"x" * 100] * 10_000)
    with pytest.raises(OutcomeUnknown, match="larger than"):
        Stage(httpx.Response(200, stream=stream)).post()
    assert stream.taken == 11


def test_a_reply_that_drips_for_ever_is_no_reply(monkeypatch):
    monkeypatch.setattr(http, "MAX_SECONDS", -1.0)
    with pytest.raises(TryLater, match="ReadTimeout"):
        Stage(streamed([b"{", b"}"])).get()


@pytest.mark.parametrize(
    ("chunks", "encoding"),
    [([b"not gzip"], "gzip"), ([gzip.compress(b"{}" * 900)[:-20]], "gzip"), ([b"?"], "br"), ([b"?"], "deflate")],
)
def test_a_body_that_is_not_what_its_header_says_is_unintelligible(chunks, encoding):
    with pytest.raises(Unintelligible, match="unpacked"):
        Stage(streamed(chunks, **{"Content-Encoding": encoding})).get()


def test_an_empty_body_may_claim_any_encoding():
    assert b"".join(unpacked(iter([]), "gzip")) == b""


# --- what may be told ---------------------------------------------------------------------------------------------------------------------

SECRET = 'p&ss/w"rd ü'


@pytest.mark.parametrize("spelling", [SECRET, "p%26ss%2Fw%22rd%20%C3%BC", "p%26ss%2Fw%22rd+%C3%BC", r"p&ss/w\"rd ü"])
def test_a_secret_is_hidden_in_each_of_its_spellings(spelling):
    assert hide(f"a {spelling} z", (SECRET,)) == f"a {HIDDEN} z"


def test_a_longer_secret_leaves_no_tail():
    assert hide("token-abc-long", ("token-abc", "token-abc-long")) == HIDDEN


def test_secrets_by_name_are_hidden_even_when_nobody_listed_them():
    assert hide_body(b"a=1&client_secret=x%20y&code=z", "application/x-www-form-urlencoded", ()).decode() == (
        f"a=1&client_secret={HIDDEN}&code={HIDDEN}"
    )
    told = hide_body(b'{"access_token": "a\\"b", "code": "INVALID", "Password":"p"}', "application/json; charset=utf-8", ()).decode()
    assert told == f'{{"access_token": "{HIDDEN}", "code": "INVALID", "Password":"{HIDDEN}"}}'


def test_a_body_that_is_no_text_stays_as_it_is():
    assert hide_body(b"\xff\xfe\x00PDF", "application/pdf", ("secret",)) == b"\xff\xfe\x00PDF"


def test_a_recording_holds_everything_but_secrets():
    stage = Stage(
        httpx.Response(200, headers={"Set-Cookie": "s=1", "X-Echo": "k1"}, json={"access_token": "t0", "echo": "k1"}),
        secrets=("k1", "dXNlcjprMQ=="),
    )
    stage.post(
        params={"api_key": "q9", "x": "k1"},
        json={"a": "k1", "b": 2},
        headers={"Authorization": "Basic dXNlcjprMQ==", "X-Api-Key": "zz", "X-Trace": "dXNlcjprMQ=="},
    )
    exchange = stage.recorded[0]
    told = repr(exchange)
    for secret in ("k1", "q9", "zz", "t0", "dXNlcjprMQ==", "s=1"):
        assert secret not in told
    assert (exchange.method, exchange.status, exchange.error) == ("POST", 200, "")
    assert b'"b":2' in exchange.request_body


def test_a_call_without_reply_is_recorded_too():
    stage = Stage(httpx.ReadTimeout("no"))
    with pytest.raises(TryLater):
        stage.get()
    assert (stage.recorded[0].status, stage.recorded[0].error) == (None, "ReadTimeout")


def test_the_text_of_an_error_is_cleaned_whoever_wrote_it():
    def read_error(reply):
        return Refused(f"the platform said: {reply.body.decode()}")

    stage = Stage(httpx.Response(422, content=b"wrong key k1"), secrets=("k1",), read_error=read_error)
    with pytest.raises(Refused) as raised:
        stage.get()
    assert str(raised.value) == raised.value.detail == f"the platform said: wrong key {HIDDEN}"
