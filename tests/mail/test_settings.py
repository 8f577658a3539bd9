"""The mail server's settings: from the environment before the file, the password never on a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from infusion_cli.config import ENVIRONMENT, SETTINGS, MailServer, mail_server
from infusion_cli.errors import UsageError

HOST = {"INFUSION_SMTP_HOST": "mail.example"}


def settled(**values: str) -> MailServer:
    """What is made of settings in the environment."""
    return mail_server(HOST | {f"INFUSION_SMTP_{name.upper()}": value for name, value in values.items()})


def refusal(**values: str) -> UsageError:
    """What is said of settings that cannot be."""
    with pytest.raises(UsageError) as refused:
        settled(**values)
    return refused.value


@pytest.mark.parametrize(("tls", "port"), [("", 587), ("starttls", 587), ("tls", 465)])
def test_the_port_follows_from_the_protection_unless_it_is_named(tls: str, port: int) -> None:
    assert settled(tls=tls) == MailServer("mail.example", port, tls or "starttls")
    assert settled(tls=tls, port="2525").port == 2525


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_mail_goes_unprotected_to_this_machine_only(host: str) -> None:
    assert settled(tls="none", host=host).tls == "none"
    for other in ("mail.example", "10.0.0.1", "localhost.example", "::2"):
        assert "must be protected" in refusal(tls="none", host=other).message


def test_the_file_says_what_the_environment_does_not(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    path = tmp_path / "config.toml"
    path.write_text(
        'smtp_host = "file.example"\nsmtp_port = 2525\nsmtp_user = "desk"\nsmtp_from = "b@x.example"\n'
        f'smtp_password_file = "{secret}"\nsmtp_ca_file = "ca.pem"\n'
    )
    config = {"INFUSION_CONFIG": str(path)}
    expected = MailServer(
        "file.example", 2525, "starttls", "desk", "correct horse", "b@x.example", str(tmp_path / "ca.pem")
    )
    assert mail_server(config) == expected
    over = config | HOST | {"INFUSION_SMTP_PASSWORD": "battery", "INFUSION_SMTP_PORT": "26"}
    assert mail_server(over) == expected._replace(host="mail.example", port=26, password="battery")


def test_a_password_is_only_read_for_somebody_who_logs_in(tmp_path: Path) -> None:
    assert settled(password="correct horse").password == ""
    assert settled(user="desk", password="correct horse").password == "correct horse"
    assert "INFUSION_SMTP_PASSWORD_FILE" in refusal(user="desk").hint
    assert "cannot be read" in refusal(user="desk", password_file=str(tmp_path / "none")).message


def test_what_is_settled_shows_no_secret() -> None:
    assert "correct horse" not in repr(settled(user="desk", password="correct horse"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"host": ""}, "No mail server is named"),
        ({"tls": "ssl"}, "no way 'ssl'"),
        ({"port": "smtp"}, "'smtp' is no port"),
        ({"port": "0"}, "'0' is no port"),
        ({"port": "65536"}, "no port"),
        ({"port": "²"}, "no port"),
    ],
)
def test_what_cannot_be_is_refused_with_the_variable_to_mend(values: dict[str, str], words: str) -> None:
    error = refusal(**values)
    assert words in error.message
    assert "INFUSION_SMTP_" in error.hint


def test_every_setting_of_the_file_is_a_variable_too() -> None:
    variables = {name for names, _ in ENVIRONMENT for name in names.split(", ")}
    assert {f"INFUSION_{name.upper()}" for name in SETTINGS} <= variables
    assert not any("password" in name and "file" not in name for name in SETTINGS)


def test_the_home_folder_is_known_in_every_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "secret").write_text("correct horse\n")
    given = {
        "INFUSION_SMTP_USER": "nurses",
        "INFUSION_SMTP_PASSWORD_FILE": "~/secret",
        "INFUSION_SMTP_CA_FILE": "~/c.pem",
    }
    server = mail_server(HOST | given)
    assert (server.password, server.ca_file) == ("correct horse", str(tmp_path / "c.pem"))
    assert "cannot be read" in refusal(user="nurses", password_file="~nobody-has-this-name/secret").message
