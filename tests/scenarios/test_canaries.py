"""Secrets and buyers stay where they belong (invariant 16): accounts with canary credentials, buyers with canary names, everything that can
go wrong happens, and then every place that text can end up in is searched: logs at DEBUG, pages, error pages, the command line, exports,
a whole dump of the database, the environment, the command line and the output of child processes."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from click.testing import CliRunner
from django.test import Client
from django.urls import reverse

from stallkeeper import embedded, env
from stallkeeper.__main__ import cli
from stallkeeper.catalog.imports.products import LAYOUT
from stallkeeper.catalog.imports.sheets import template_csv, template_xlsx
from stallkeeper.channels.models import Connection, LaneKind, Parked
from stallkeeper.core import logs
from stallkeeper.core.models import Organisation, Role, User
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops import boot, restoring, serving
from stallkeeper.orders.models import Order
from stallkeeper.sync import adapters
from stallkit.testing.emulator import Fault
from tests.busy_shop import BusyShop
from tests.canaries import search
from tests.db.security.walk import every_address
from tests.scenarios.test_restore import connected_to
from tests.scenarios.town import Town, open_town
from tests.shop import join

SECRETS = {
    "dummy": {"CLIENT_SECRET": "canary-dummy-Kx7Qw2-secret", "CALLBACK_SECRET": "canary-dummy-Zt4Rb9-callback"},
    "emag": {"PASSWORD": "canary-emag-Vn5Hy8-password"},
    "walmart": {"CLIENT_SECRET": "canary-walmart-Jd3Ls6-secret", "WEBHOOK_SECRET": "canary-walmart-Fg1Pm0-webhook"},
}
BUYER = "Canariana Gelbvogel"
OF_BUYERS = (BUYER, "+49 30 000000", "Musterweg 1", "5550100100")
"""The name is ours; the others are what the emulators give every buyer."""


class Echo(httpx.BaseTransport):
    """The platform; in ``mode`` it answers every call with an error that repeats all that we sent, credentials included."""

    def __init__(self, inner: httpx.BaseTransport, dials: dict[str, str]) -> None:
        self.inner, self.dials, self.echoed = inner, dials, []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        mode = self.dials["mode"]
        if not mode:
            return self.inner.handle_request(request)
        request.read()
        sent = {"headers": dict(request.headers), "body": request.content.decode(errors="replace"), "url": str(request.url)}
        status, form = mode.split()
        words = json.dumps(sent)
        body = {
            "json": json.dumps({"error": {"code": "bad", "message": f"you sent {words}"}, "isError": True, "messages": [words]}),
            "html": f"<html><h1>Error</h1><pre>{words}</pre></html>",
            "cut": f'{{"error": {{"message": {json.dumps(words)}',
        }[form]
        kind = "text/html" if form == "html" else "application/json"
        self.dials["echoed"] = "yes"
        return httpx.Response(int(status), headers={"content-type": kind, "x-echo": words[:200].replace("\n", " ")}, text=body)


@pytest.fixture
def dials() -> dict[str, str]:
    return {"mode": "", "echoed": ""}


@pytest.fixture
def sinks(tmp_path, settings, monkeypatch) -> Path:
    """The folder in which everything ends up that anybody could read. The log is written there at DEBUG, in both forms."""
    folder = tmp_path / "sinks"
    folder.mkdir()
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    settings.STATIC_ROOT = tmp_path
    settings.DEBUG = False
    root = logging.getLogger()
    level, handlers = root.level, []
    for form in ("JSON", "PLAIN"):
        handler = logging.FileHandler(folder / f"log.{form}")
        handler.setFormatter(logs.Formatter(form))
        handlers.append(handler)
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield folder
    root.setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)
        handler.close()


@pytest.fixture
def cluster(django_db_blocker) -> Iterator[embedded.Cluster]:
    """A database server of our own, whose superuser dumps what no wall hides from him (ADR 0035)."""
    home = env.home({name: value for name, value in os.environ.items() if name != "STALLKEEPER_HOME"})
    with embedded.temporary("canaries", home) as cluster, django_db_blocker.unblock(), connected_to(cluster.url):
        boot.apply_migrations()
        restoring.notice_copy()
        yield cluster


def open_with_canaries(town: Town, monkeypatch: pytest.MonkeyPatch) -> tuple[object, list]:
    """A seller with a stall on each platform, opened with canary credentials."""
    import importlib

    for platform, constants in SECRETS.items():
        toy = importlib.import_module(f"stallkit.adapters.{platform}.emulator")
        for name, canary in constants.items():
            plain = getattr(toy, name)
            monkeypatch.setattr(toy, name, canary)
            monkeypatch.setattr(toy, "CONFIG", {key: canary if value == plain else value for key, value in toy.CONFIG.items()})
    shop = town.firm()
    units = [shop.unit("MUG", 20), shop.unit("POT", 20)]
    assert units
    return shop, [town.stall(shop, platform, goods={"MUG": 5, "POT": 5}) for platform in SECRETS]


@pytest.mark.long(30)
@pytest.mark.timeout(1200)
def test_no_canary_leaves_its_home(cluster, monkeypatch, sinks, dials):
    with open_town(monkeypatch) as town:
        way = town.client
        monkeypatch.setattr(adapters, "client", lambda base: httpx.Client(transport=Echo(way(base)._transport, dials)))
        shop, stalls = open_with_canaries(town, monkeypatch)
        owner = person(shop, Role.OWNER)
        let_everything_happen(town, stalls, dials, monkeypatch)
        tokens = [token for stall in stalls for token in stall.emulator.secrets()]
        assert tokens
        assert dials["echoed"] == "yes"
        busy = BusyShop(shop, stalls[0].channel, stalls[1].channel, owner, town.clock.at)
        save_pages(busy, sinks / "pages", monkeypatch)
        fail_to_connect(owner, dials, sinks / "pages")
        save_commands(sinks / "commands", monkeypatch)
        (sinks / "exports").mkdir()
        (sinks / "exports" / "template.xlsx").write_bytes(template_xlsx(LAYOUT))
        (sinks / "exports" / "template.csv").write_bytes(template_csv(LAYOUT))
        save_children(cluster, sinks / "children")
        save_dump(cluster, sinks / "database")
        secrets = [canary for constants in SECRETS.values() for canary in constants.values()]
        assert_something_is_there(sinks, busy)
        assert search(sinks, [*secrets, *tokens, *OF_BUYERS]) == []
        show_the_buyer(busy)


def person(shop, role: str) -> User:
    user = User.objects.create_user(f"{role}@example.com")
    join(shop.organisation, user, role)
    return user


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def let_everything_happen(town: Town, stalls: list, dials: dict[str, str], monkeypatch) -> None:
    """Orders, parked orders, errors of every kind that repeat what we sent, a bug in an adapter, and the end of the credentials."""
    for stall in stalls:
        stall.emulator.place_order([("MUG", 1)], buyer_name=BUYER)
    town.work(120)
    with organisation_scope(Organisation.objects.get().pk):
        assert Order.objects.count() == len(stalls)
    for stall in stalls:
        stall.emulator.place_order([("POT", 1)], buyer_name=BUYER)
        stall.emulator.fail_next(Fault.UNKNOWN_ENUM, times=20)
    town.work(120)
    with organisation_scope(Organisation.objects.get().pk):
        assert Parked.objects.exists()
    for mode in ("500 html", "400 json", "200 html", "200 cut", "429 json"):
        dials["mode"] = mode
        town.work(150)
    dials["mode"] = ""
    town.work(400)
    break_inside(town, stalls[0], monkeypatch)
    dials["mode"] = "401 json"
    town.work(400)
    with organisation_scope(Organisation.objects.get().pk):
        assert Connection.objects.filter(state="needs_reconnect").exists()


def break_inside(town: Town, stall, monkeypatch) -> None:
    """A bug in an adapter: its traceback is logged, and must not show what its variables held."""
    kind = importlib_of(stall)

    def broken(self, cursor):
        credentials = dict(self._config)
        raise RuntimeError(f"a bug with {len(credentials)} settings at hand")

    with monkeypatch.context() as patch:
        patch.setattr(kind, "pull_orders", broken)
        stall.town.clock.tick(600)
        from stallkeeper.sync.runner import run_lane

        run_lane(stall.lane(LaneKind.TRADE).pk, "w1")


def importlib_of(stall):
    import importlib

    return importlib.import_module(f"stallkit.adapters.{stall.platform}.adapter").Adapter


def save_pages(busy: BusyShop, folder: Path, monkeypatch) -> None:
    """Every page as each role sees it, and the page for an error of ours, with DEBUG off."""
    folder.mkdir()
    for client, who in ((signed_in(busy.owner), "owner"), (Client(raise_request_exception=False), "nobody")):
        for number, address in enumerate(every_address(busy)):
            if address.route not in {"logout/", "orders/<int:pk>/buyer/", "problems/parked/<int:pk>/"}:
                answer = client.get(address.path)
                head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
                (folder / f"{who}-{number:03}").write_bytes(f"{address.path} {answer.status_code}\n{head}\n\n".encode() + answer.content)

    def broken(*_: object) -> None:
        with organisation_scope(Organisation.objects.get().pk):
            from stallkeeper.channels import connect

            at_hand = [connect.settings_of(account).all for account in Connection.objects.select_related("credentials")]
        raise RuntimeError(f"a bug with {len(at_hand)} accounts at hand")

    with monkeypatch.context() as patch:
        patch.setattr("stallkeeper.backoffice.orders.orders_with", broken)
        answer = signed_in(busy.owner).get("/orders/")
    assert answer.status_code == 500
    (folder / "error").write_bytes(answer.content)


def fail_to_connect(owner: User, dials: dict[str, str], folder: Path) -> None:
    """The form that connects, and the button that tries an account, while the platform repeats the credentials in its refusal."""
    client = signed_in(owner)
    given = {"setting_client_id": "id-1", "setting_client_secret": SECRETS["walmart"]["CLIENT_SECRET"], "name": "Two", "code": "W2"}
    for mode in ("401 json", "400 html", "500 cut"):
        dials["mode"] = mode
        form = given | {"currency": "USD", "base_url": "http://walmart-2.test"}
        (folder / f"connect-{mode}").write_bytes(client.post(reverse("backoffice:connect", args=["walmart"]), form).content)
        with organisation_scope(Organisation.objects.get().pk):
            accounts = list(Connection.objects.values_list("pk", flat=True))
        for account in accounts:
            answer = client.post(reverse("backoffice:probe_now", args=[account]), follow=True)
            (folder / f"probe-{account}-{mode}").write_bytes(answer.content)
    dials["mode"] = ""


def save_commands(folder: Path, monkeypatch) -> None:
    folder.mkdir()
    monkeypatch.setattr(boot, "start", lambda **_: None)
    commands = (
        ["check"],
        ["check", "--json"],
        ["lanes", "--steps"],
        ["lanes", "--json"],
        ["orders"],
        ["orders", "--json"],
        ["offers", "--json"],
        ["explain", "MUG"],
        ["explain", "MUG", "--json"],
        ["channel"],
        ["channel", "--json"],
        ["users", "list", "--json"],
    )
    for arguments in commands:
        done = CliRunner().invoke(cli, arguments)
        (folder / "-".join(arguments)).write_text(f"{done.exit_code}\n{done.output}\n{done.exception!r}")


def save_children(cluster: embedded.Cluster, folder: Path) -> None:
    """What other people of the machine could see of our processes: their command lines; for our own account their environment and words."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    commands = (["check", "--json"], ["worker", "--threads", "2"], ["web", "--port", str(port), "--processes", "2"])
    environment = os.environ | {"DATABASE_URL": cluster.url, "STALLKEEPER_LOG_LEVEL": "DEBUG", "STALLKEEPER_SECRET_KEY": "x" * 60}
    environment["STALLKEEPER_WORKER_METRICS_PORT"] = str(port)
    for words in commands:
        with (folder / f"{words[0]}-output").open("wb") as output:
            command = [sys.executable, "-m", "stallkeeper", *words]
            child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            until_at_work(child, words[0], port, folder)
            write_down(child, folder / words[0])
            if words[0] != "check":
                child.terminate()
            child.wait(timeout=120)
        finally:
            child.kill()
            child.wait()  # or Python complains later, in a test that has nothing to do with it
    password = urlsplit(cluster.url).password or ""
    assert len(password) > 8
    assert all(password not in path.read_text() for path in folder.glob("*-command-lines"))


def until_at_work(child: subprocess.Popen[bytes], name: str, port: int, folder: Path) -> None:
    """The web server answers; the worker has said its first word; of a check that is soon over its start is enough."""
    deadline = time.monotonic() + 120
    ready = {
        "check": lambda: True,
        "worker": lambda: "figures are served" in (folder / "worker-output").read_text(errors="replace"),
        "web": lambda: serving.answers("127.0.0.1", port),
    }
    while not ready[name]():
        assert child.poll() is None, (folder / f"{name}-output").read_text(errors="replace")
        assert time.monotonic() < deadline, name
        time.sleep(0.2)


def write_down(child: subprocess.Popen[bytes], beginning: Path) -> None:
    """Command lines and environments of a process and of all that it has started."""
    process = psutil.Process(child.pid)
    family = [process, *process.children(recursive=True)]
    beginning.with_name(f"{beginning.name}-command-lines").write_text("\n".join(" ".join(one.cmdline()) for one in family))
    beginning.with_name(f"{beginning.name}-environments").write_text(json.dumps([one.environ() for one in family]))


def save_dump(cluster: embedded.Cluster, folder: Path) -> None:
    """The product's own dump, unpacked to SQL: every row of every table; sealed columns come as hex."""
    folder.mkdir()
    packed = folder / "dump"
    cluster.dump(packed)
    subprocess.run([cluster.binaries / "pg_restore", f"--file={folder / 'dump.sql'}", packed], check=True)
    packed.unlink()


def rows_of(dump: str, table: str) -> list[str]:
    """The rows of a table in a dump as SQL."""
    _, _, rest = dump.partition(f"\nCOPY public.{table} (")
    return rest.partition("\n\\.\n")[0].splitlines()[1:]


def assert_something_is_there(sinks: Path, busy: BusyShop) -> None:
    """An empty folder holds no canary either: the dump has the rows of every table, whoever may see them."""
    dump = (sinks / "database" / "dump.sql").read_text()
    with busy.shop.scope():
        numbers = [order.external_id for order in Order.objects.all()]
        assert len(numbers) >= len(SECRETS)
        assert len(rows_of(dump, "orders_order")) == len(numbers)
        assert len(rows_of(dump, "channels_connection")) == Connection.objects.count() >= len(SECRETS)
        assert len(rows_of(dump, "channels_parked")) == Parked.objects.count() >= 1
    assert all(any(number in row for row in rows_of(dump, "orders_order")) for number in numbers)
    assert {"MUG", "POT"} <= {word for row in rows_of(dump, "catalog_stockunit") for word in row.split("\t")}
    assert sum(map(len, rows_of(dump, "core_personaldata"))) > 100
    assert sum(map(len, rows_of(dump, "core_secret"))) > 100
    assert "stallkeeper" in (sinks / "children" / "web-command-lines").read_text()
    assert len((sinks / "children" / "web-command-lines").read_text().splitlines()) > 1
    assert "a bug with" in (sinks / "log.JSON").read_text()
    assert len(list((sinks / "pages").iterdir())) > 100
    assert any("MUG" in path.read_text() for path in (sinks / "commands").iterdir())


def show_the_buyer(busy: BusyShop) -> None:
    """The buyer's name is there all the same, for those who may see it, and for nobody else."""
    with busy.shop.scope():
        order = Order.objects.order_by("pk").first()
    address = reverse("backoffice:buyer", args=[order.pk])
    client = signed_in(busy.owner)
    shown = client.post(address)
    if shown.status_code == 405:
        shown = client.get(address)
    assert BUYER in shown.content.decode()
    reader = signed_in(person(busy.shop, Role.READ_ONLY))
    assert BUYER not in reader.post(address).content.decode() + reader.get(address).content.decode()
