"""The calendar server's settings: from the environment before the file, the password never on a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from infusion_cli.config import CalendarServer, calendar_server
from infusion_cli.errors import UsageError

URL = "https://calendars.example/nurses/shared/"


def settled(url: str = "", **values: str) -> CalendarServer:
    """What is made of an address that was typed, and of settings in the environment."""
    return calendar_server(url, {f"INFUSION_CALDAV_{name.upper()}": value for name, value in values.items()})


def refusal(url: str = "", **values: str) -> UsageError:
    """What is said of settings that cannot be."""
    with pytest.raises(UsageError) as refused:
        settled(url, **values)
    return refused.value


def test_what_is_typed_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    path = tmp_path / "config.toml"
    path.write_text(
        f'caldav_url = "{URL}"\ncaldav_user = "nurses"\ncaldav_password_file = "{secret}"\ncaldav_ca_file = "ca.pem"\n'
    )
    config = {"INFUSION_CONFIG": str(path)}
    expected = CalendarServer(URL, "nurses", "correct horse", str(tmp_path / "ca.pem"))
    assert calendar_server("", config) == expected
    over = config | {"INFUSION_CALDAV_URL": "https://b.example/", "INFUSION_CALDAV_PASSWORD": "battery"}
    assert calendar_server("", over) == expected._replace(url="https://b.example/", password="battery")
    assert calendar_server("https://c.example/", over).url == "https://c.example/"


def test_the_address_ends_in_a_slash_because_entries_lie_below_it() -> None:
    assert settled(URL.rstrip("/")) == settled(url := URL) == CalendarServer(url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5232", "127.8.9.1", "[::1]:5232"])
def test_what_is_not_protected_stays_on_this_machine(host: str) -> None:
    assert settled(f"http://{host}/c/").url == f"http://{host}/c/"
    for other in ("calendars.example", "10.0.0.1", "localhost.example", "[::2]"):
        assert "must be protected" in refusal(f"http://{other}/c/").message


@pytest.mark.parametrize("userinfo", ["nurses:zirkon", "zirkon", ":zirkon", "a@b:zirkon"])
@pytest.mark.parametrize("scheme", ["http", "https", "ftp"])
def test_a_password_in_the_address_is_refused_and_not_repeated(scheme: str, userinfo: str) -> None:
    error = refusal(f"{scheme}://{userinfo}@calendars.example/c/")
    assert "holds a user or a password" in error.message
    assert "INFUSION_CALDAV_PASSWORD_FILE" in error.hint
    assert "zirkon" not in error.message + error.hint


@pytest.mark.parametrize(
    "url",
    [
        *("calendars.example/c/", "caldav://calendars.example/c/", "https:///c/", "https://", "nurses"),
        *("https://calendars.example/c/?token=zirkon", "https://calendars.example/c/#zirkon"),
        *(
            "https://calendars.example:port/",
            "https://calendars.example:99999/",
            "https://[::1/",
            "https://a.example/b c/",
        ),
        *("https://a.example/\r\nX: zirkon/", "https://a.example/\u202ezirkon/"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(url: str) -> None:
    error = refusal(url)
    assert error.message == "The calendar's address cannot be read."
    assert "zirkon" not in error.message + error.hint


def test_a_password_is_only_read_for_somebody_who_logs_in(tmp_path: Path) -> None:
    assert settled(URL, password="correct horse").password == ""
    assert settled(URL, user="nurses", password="correct horse").password == "correct horse"
    missing = refusal(URL, user="nurses")
    assert missing.message == "There is no password for the calendar server."
    assert missing.hint == "name a file with INFUSION_CALDAV_PASSWORD_FILE"
    unread = refusal(URL, user="nurses", password_file=str(tmp_path / "none")).message
    assert unread == f"The password file {tmp_path / 'none'} cannot be read: No such file or directory."


def test_a_file_that_the_configuration_names_lies_beside_it_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("correct horse")
    (tmp_path / "config.toml").write_text(f'caldav_url = "{URL}"\ncaldav_user = "n"\ncaldav_password_file = "secret"')
    monkeypatch.chdir("/")
    assert calendar_server("", {"INFUSION_CONFIG": str(tmp_path / "config.toml")}).password == "correct horse"
    assert "cannot be read" in refusal(URL, user="n", password_file="secret").message


def test_what_is_settled_shows_no_secret() -> None:
    assert "correct horse" not in repr(settled(URL, user="nurses", password="correct horse"))


def test_without_an_address_the_ways_to_give_one_are_named() -> None:
    error = refusal()
    assert "No shared calendar is named" in error.message
    assert all(word in error.hint for word in ("--to", "INFUSION_CALDAV_URL", "caldav_url"))


def test_the_home_folder_is_known_in_every_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "secret").write_text("correct horse\n")
    given = {
        "INFUSION_CALDAV_USER": "nurses",
        "INFUSION_CALDAV_PASSWORD_FILE": "~/secret",
        "INFUSION_CALDAV_CA_FILE": "~/c.pem",
    }
    server = calendar_server("", {"INFUSION_CALDAV_URL": URL, **given})
    assert (server.password, server.ca_file) == ("correct horse", str(tmp_path / "c.pem"))
    assert "cannot be read" in refusal(URL, user="nurses", password_file="~nobody-has-this-name/secret").message
