"""What browsers are told, and what they cannot be made to do (security floor: browser). Walks the whole URL configuration."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test import Client

from stallkeeper.core.models import User
from tests.busy_shop import signed_in
from tests.db.security.walk import every_address, every_route

PASSWORD = "correct horse battery"
HOSTILE = (
    "%00",
    "%FF%FE",
    "'\"><script>alert(1)</script>",
    "a" * 5_000,
    "-1",
    "99999999999999999999999",
    "\u00b2",
    "\u202e",
    "../../etc/passwd",
    "%E2%80",
)
NAMES = (
    "q",
    "after",
    "before",
    "state",
    "channel",
    "page",
    "short",
    "unmapped",
    "platform",
    "next",
    "kind",
    "place",
    "format",
    "sort",
    "day",
    "back",
)


def strict(user: User) -> Client:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    return client


# --- what changes something needs the page's token --------------------------------------------------------------------------------------


def test_every_address_refuses_a_post_without_the_token_but_the_door_for_platforms(busy):
    client = strict(busy.owner)
    before = figures()
    refused = {}
    for address in every_address(busy):
        refused[address.route] = client.post(address.path, {"anything": "1"}).status_code
    exempt = {route for route, status in refused.items() if status != 403}
    assert exempt - {route for route in exempt if "openapi" in route} == {
        "hints/<token>/",
        "hints/<token>/<path:rest>",
        "1c/<str:token>/",
        "api/v1/stock/",
        "api/v1/channels/",
        "api/v1/channels/<code>/",
        "api/v1/channels/<code>/own/",
        "api/v1/plans/",
        "api/v1/plans/open/",
        "api/v1/plans/undo/",
        "api/v1/plans/<fingerprint>/",
        "api/v1/plans/<fingerprint>/apply/",
    }
    assert len(refused) > 60
    assert figures() == before


def test_only_the_doors_for_programs_are_exempt():
    exempt = {route for route, pattern in every_route() if getattr(pattern.callback, "csrf_exempt", False)}
    assert {route.split("/")[0] for route in exempt} <= {"hints", "1c", "api"}


LEFT_BY_LOOKING = {"django_session", "core_signedin", "core_auditentry", "core_audit_chain"}


def figures() -> dict[str, tuple[int, str]]:
    """(rows, digest of all rows) of every table but those that a look leaves traces in: sessions and their list, the audit log of looks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall() if name not in LEFT_BY_LOOKING]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*), coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM \"{table}\" t")
            found[table] = cursor.fetchone()
    return found


def test_looking_at_any_address_changes_nothing(busy):
    client = signed_in(busy.owner)
    client.raise_request_exception = False
    before = figures()
    looked = {}
    for address in every_address(busy):
        if address.route != "logout/":
            looked[address.path] = client.get(address.path).status_code
    changed = {table for table, rows in figures().items() if rows != before[table]}
    assert changed == set()
    assert not {path: status for path, status in looked.items() if status >= 500}
    assert sum(status == 200 for status in looked.values()) > 25


@pytest.mark.long(15)
def test_no_address_fails_on_hostile_questions(busy):
    client = signed_in(busy.owner)
    client.raise_request_exception = False
    failed = []
    for address in every_address(busy):
        if address.route == "logout/":
            continue
        for text in HOSTILE:
            if client.get(f"{address.path}?" + "&".join(f"{name}={text}" for name in NAMES)).status_code >= 500:
                failed.append((address.path, text[:20]))
    assert not failed


@pytest.mark.parametrize("number", ["\u00b2", "\u0663", "99999999999999999999999", "-1", "1.0", ""])
def test_a_form_that_names_rows_by_what_is_no_number_is_no_error(busy, number):
    client = signed_in(busy.owner)
    for path, name in (("/listings/action/", "listing"), ("/offers/action/", "offer"), ("/organisation/", "organisation")):
        for action in ("link", "create", "out", "in", "read", "resend"):
            assert client.post(path, {name: number, "action": action}).status_code == 302, (path, action)


def test_a_form_with_a_nul_is_refused(busy):
    client = signed_in(busy.owner)
    client.raise_request_exception = False
    assert client.post("/settings/company/", {"name": "a\0b", "time_zone": "UTC"}).status_code == 400


# --- what browsers are told -------------------------------------------------------------------------------------------------------------


class Scripts(HTMLParser):
    """Inline scripts, handlers in attributes, and foreign addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "script" and "src" not in named and named.get("type") not in {"application/json", "text/html"}:
            self.found.append(f"<script> in line {self.getpos()[0]}")
        self.found += [f"{name}= on <{tag}>" for name in named if re.fullmatch(r"on[a-z]+", name)]
        links = {name: value or "" for name, value in named.items() if name in {"src", "href", "action", "formaction"}}
        self.found += [f"{name}={value}" for name, value in links.items() if re.match(r"\s*(javascript:|https?:)", value)]


def policy(response) -> dict[str, list[str]]:
    parts = [part.split() for part in response["Content-Security-Policy"].split(";") if part.strip()]
    return {name: values for name, *values in parts}


def test_pages_hold_no_script_and_the_policy_forbids_any(busy):
    pages = 0
    for client in (signed_in(busy.owner), Client()):
        client.raise_request_exception = False
        for address in every_address(busy):
            response = client.get(address.path)
            told = policy(response)
            assert told["script-src"] == ["'self'", "'unsafe-eval'"], address.path
            assert told["default-src"] == ["'self'"]
            assert told["frame-ancestors"] == told["object-src"] == ["'none'"]
            assert told["base-uri"] == told["form-action"] == ["'self'"]
            assert response["X-Content-Type-Options"] == "nosniff"
            assert response["X-Frame-Options"] == "DENY"
            assert response["Referrer-Policy"] == "same-origin"
            if "html" in response["Content-Type"]:
                page = Scripts()
                page.feed(response.content.decode())
                assert page.found == [], address.path
                pages += 1
    assert pages > 60


def test_what_a_signed_in_person_sees_is_kept_by_no_cache(busy):
    client = signed_in(busy.owner)
    client.raise_request_exception = False
    for address in every_address(busy):
        if address.route != "logout/":
            assert "no-store" in client.get(address.path)["Cache-Control"], address.path


def test_a_new_password_ends_all_other_sessions(busy):
    busy.owner.set_password(PASSWORD)
    busy.owner.save()
    here, elsewhere = signed_in(busy.owner), signed_in(busy.owner)
    assert elsewhere.get("/orders/").status_code == 200
    changed = here.post(
        "/password_change/", {"old_password": PASSWORD, "new_password1": "battery staple 42", "new_password2": "battery staple 42"}
    )
    assert changed.status_code == 302
    assert here.get("/orders/").status_code == 200
    assert elsewhere.get("/orders/").status_code == 302


def test_signing_in_makes_a_new_session(busy):
    busy.owner.set_password(PASSWORD)
    busy.owner.save()
    client = Client()
    client.get("/login/")
    session = client.session
    session["planted"] = "by somebody"
    session.save()
    before = session.session_key
    assert client.post("/login/", {"username": busy.owner.email, "password": PASSWORD}).status_code == 302
    assert client.session.session_key != before


PROGRAM = """
import json, django
django.setup()
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory

def view(request):
    return HttpResponse()

token = "a" * 32
def posted(origin):
    request = RequestFactory().post("/", {"csrfmiddlewaretoken": token}, headers={"Origin": origin, "Host": "stalls.example.com"})
    request.COOKIES[settings.CSRF_COOKIE_NAME] = token
    check = CsrfViewMiddleware(view)
    check.process_request(request)
    answer = check.process_view(request, view, (), {})
    return 200 if answer is None else answer.status_code

secure = SecurityMiddleware(view)(RequestFactory().get("/", secure=True))
names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
         "SESSION_COOKIE_PATH", "SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN", "SESSION_COOKIE_SAMESITE")
print(json.dumps({name: getattr(settings, name) for name in names} | {
    "hsts": secure.get("Strict-Transport-Security", ""),
    "own": posted(settings.ENV.origin), "foreign": posted("https://evil.example")}))
"""


def told(base_url: str, tmp_path) -> dict[str, object]:
    variables = os.environ | {
        "STALLKEEPER_BASE_URL": base_url,
        "STALLKEEPER_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "stallkeeper.settings",
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_with_https_cookies_belong_to_the_host_and_forms_work_behind_a_proxy(tmp_path):
    found = told("https://stalls.example.com", tmp_path)
    for kind in ("SESSION", "CSRF"):
        assert str(found[f"{kind}_COOKIE_NAME"]).startswith("__Host-")
        assert found[f"{kind}_COOKIE_SECURE"] is True
        assert found[f"{kind}_COOKIE_DOMAIN"] is None
    assert (found["SESSION_COOKIE_PATH"], found["SESSION_COOKIE_HTTPONLY"], found["SESSION_COOKIE_SAMESITE"]) == ("/", True, "Lax")
    assert found["hsts"] == "max-age=31536000"
    assert (found["own"], found["foreign"]) == (200, 403)


def test_without_https_the_cookies_still_work(tmp_path):
    found = told("http://localhost:8000", tmp_path)
    assert (found["SESSION_COOKIE_NAME"], found["SESSION_COOKIE_SECURE"], found["hsts"]) == ("sessionid", False, "")
