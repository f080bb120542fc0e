"""Settings from outside: what they become, and that a wrong one is named."""

import stat
from pathlib import Path

import pytest

from stallkeeper import embedded, embedded_host, env


def load(tmp_path, **variables):
    return env.load({"STALLKEEPER_HOME": str(tmp_path / "home"), **variables})


def test_defaults(tmp_path):
    loaded = load(tmp_path)
    assert loaded.home == tmp_path / "home"
    assert loaded.keyring == tmp_path / "home" / "keyring.json"
    assert (loaded.debug, loaded.log_level, loaded.time_zone) == (False, "INFO", "UTC")
    assert loaded.base_url == "http://localhost:8000"
    assert loaded.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert loaded.allow_private_urls == ()
    assert not loaded.test_platforms
    assert loaded.database_url is None


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://me%40x.de:p%40ss@mail.example.com", ("mail.example.com", 587, "starttls", "me@x.de", "p@ss", "me@x.de")),
        ("smtps://mail.example.com:4650", ("mail.example.com", 4650, "tls", "", "", "hub@example.com")),
        ("smtp+plain://localhost", ("localhost", 25, "none", "", "", "hub@example.com")),
    ],
)
def test_a_mail_server_is_an_address(tmp_path, url, found):
    given = {} if "me%40" in url else {"STALLKEEPER_MAIL_FROM": "hub@example.com"}
    server = load(tmp_path, STALLKEEPER_SMTP_URL=url, **given).mail_server
    assert (server.host, server.port, server.security, server.user, server.password, server.sender) == found
    assert "p@ss" not in repr(load(tmp_path, STALLKEEPER_SMTP_URL=url, **given))


@pytest.mark.parametrize("url", ["http://mail.example.com", "smtp://", "smtp://mail.example.com:port", "smtp://mail.example.com"])
def test_a_wrong_mail_server_is_named_without_its_password(tmp_path, url):
    with pytest.raises(env.SettingError, match=r"STALLKEEPER_(SMTP_URL|MAIL_FROM)"):
        load(tmp_path, STALLKEEPER_SMTP_URL=url)


def test_the_secret_key_is_made_once_and_private(tmp_path):
    first, second = load(tmp_path), load(tmp_path)
    file = tmp_path / "home" / "secret_key"
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.secret_key not in repr(first)


def test_a_given_secret_key_leaves_the_data_folder_alone(tmp_path):
    assert load(tmp_path, STALLKEEPER_SECRET_KEY="given").secret_key == "given"
    assert not (tmp_path / "home").exists()


def test_a_secret_key_cut_short_is_refused(tmp_path):
    load(tmp_path)
    (tmp_path / "home" / "secret_key").write_text("short\n")
    with pytest.raises(env.SettingError, match=r"secret_key holds fewer than 50.*Delete it"):
        load(tmp_path)


def test_a_data_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(env.SettingError, match=r"data folder .*home cannot be used.*STALLKEEPER_HOME"):
        load(tmp_path)


def test_lists_and_hosts(tmp_path):
    loaded = load(
        tmp_path,
        STALLKEEPER_BASE_URL="https://stalls.example.com/",
        STALLKEEPER_ALLOW_PRIVATE_URLS="shop.internal, 10.0.0.0/8,",
        STALLKEEPER_DEBUG="yes",
        STALLKEEPER_TEST_PLATFORMS="1",
        STALLKEEPER_LOG_LEVEL="debug",
    )
    assert loaded.base_url == "https://stalls.example.com"
    assert loaded.allowed_hosts[0] == "stalls.example.com"
    assert loaded.allow_private_urls == ("shop.internal", "10.0.0.0/8")
    assert loaded.debug is True
    assert loaded.log_level == "DEBUG"
    assert loaded.test_platforms
    assert load(tmp_path, STALLKEEPER_ALLOWED_HOSTS="a.example,b.example").allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STALLKEEPER_BASE_URL", "stalls.example.com"),
        ("STALLKEEPER_DEBUG", "perhaps"),
        ("STALLKEEPER_LOG_LEVEL", "LOUD"),
        ("STALLKEEPER_TIME_ZONE", "Mars/Olympus"),
        ("STALLKEEPER_TIME_ZONE", "../etc/passwd"),
        ("DATABASE_URL", "mysql://localhost/stallkeeper"),
        ("DATABASE_URL", "postgresql://localhost"),
        ("DATABASE_URL", "postgresql://localhost/stallkeeper?no_such_option=1"),
    ],
)
def test_a_wrong_value_names_its_variable(tmp_path, name, value):
    with pytest.raises(env.SettingError, match=name):
        load(tmp_path, **{name: value})


def test_home_of_an_ordinary_user_follows_xdg(monkeypatch):
    monkeypatch.setattr(env.os, "geteuid", lambda: 1000)
    assert env.home({"XDG_DATA_HOME": "/somewhere/data"}) == Path("/somewhere/data/stallkeeper")
    assert env.home({}) == Path.home() / ".local" / "share" / "stallkeeper"
    monkeypatch.setattr(env.os, "geteuid", lambda: 0)
    assert env.home({"XDG_DATA_HOME": "/somewhere/data"}) == embedded_host.SYSTEM_HOME


def test_a_user_without_home_is_told_what_to_set(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(env.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(env.Path, "home", nowhere)
    with pytest.raises(env.SettingError, match="Set STALLKEEPER_HOME"):
        env.home({})


def test_a_url_becomes_django_settings():
    assert env.database_settings("postgresql://ann:p%40ss%2Fw%20d@db.example:6543/my%20shop?sslmode=require&application_name=stall") == {
        "ENGINE": "stallkeeper.core.postgres",
        "USER": "ann",
        "PASSWORD": "p@ss/w d",
        "HOST": "db.example",
        "PORT": "6543",
        "NAME": "my shop",
        "OPTIONS": {"sslmode": "require", "application_name": "stall"},
    }


def test_a_socket_folder_in_the_query():
    settings = env.database_settings("postgresql:///stallkeeper?host=/run/my%20sockets&port=5433")
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("/run/my sockets", "5433", "stallkeeper")
    assert settings["OPTIONS"] == {}


def test_a_pool_only_on_request():
    assert env.database_settings("postgresql://h/d")["OPTIONS"] == {}
    assert env.database_settings("postgresql://h/d", pool=True)["OPTIONS"] == {"pool": True}


def test_errors_do_not_show_the_password():
    with pytest.raises(env.SettingError) as caught:
        env.database_settings("postgresql://ann:hunter2@h:port/d?nonsense=hunter2")
    assert "hunter2" not in str(caught.value)


def test_without_a_url_django_looks_for_the_embedded_socket(tmp_path):
    database = load(tmp_path).databases["default"]
    assert database["HOST"] == str(embedded.socket_folder(tmp_path / "home" / "postgres"))
    assert load(tmp_path, DATABASE_URL="postgresql://h/d").databases["default"]["HOST"] == "h"
