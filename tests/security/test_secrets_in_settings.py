"""A secret that is written wrongly is refused without being repeated, whole or in part."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from parkingspots.kit.tracing.wishes import without_secrets
from parkingspots.settings import Settings, SettingsError, load

CANARY = "canary"
BESIDE = "bird"
"""The rest of the password, behind what should have been quoted."""
AWKWARD = [f"{CANARY}{sign}{BESIDE}" for sign in ("/", "#", "@", "?", ":", "[", "%", " ", "\\", "é")]
URLS = {
    "DATABASE_URL": "postgresql://maria:{}@127.0.0.1:5432/parkingspots",
    "REDIS_URL": "redis://:{}@127.0.0.1:6379/0",
    "SMTP_URL": "smtp://maria:{}@127.0.0.1:587",
}


@pytest.mark.parametrize("password", AWKWARD)
@pytest.mark.parametrize("name", URLS)
def test_a_url_whose_password_is_not_quoted_is_whole_or_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    monkeypatch.setenv(name, URLS[name].format(password))
    told = _told(name)
    assert told.startswith((f"{name}: use the form", "127.0.0.1 "))
    assert CANARY not in told
    assert BESIDE not in told


def _told(name: str) -> str:
    """Why the settings are refused; or to which host the password would go, and what else is shown of them."""
    try:
        settings = load()
    except SettingsError as refusal:
        return str(refusal)
    return f"{_host(settings, name)} {settings!r}"


def _host(settings: Settings, name: str) -> str | None:
    if name == "DATABASE_URL":
        return settings.sqlalchemy_url.host
    secret = settings.redis_url if name == "REDIS_URL" else settings.smtp_url
    return urlsplit(secret.get_secret_value()).hostname if secret else None


def test_a_server_that_refuses_its_secrets_shows_none_of_them(tmp_path: Path) -> None:
    environment = {"ENVIRONMENT": "production", "SECRET_KEY": CANARY, "STRIPE_SECRET_KEY": f"sk_{CANARY}"}
    environment |= {"DATABASE_URL": f"{CANARY}://{CANARY}", "REDIS_URL": CANARY, "SMTP_URL": CANARY}
    command = [sys.executable, "-m", "parkingspots", "serve"]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    (line,) = ran.stderr.splitlines()
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL"):
        assert f"{name}: use the form" in line
    assert CANARY not in line


ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (ENDPOINT, f"maria:{CANARY}@collector:4318", f"No adapters for 'maria:{CANARY}@collector:4318/v1/traces'"),
        (ENDPOINT, f"http://maria:{CANARY}@collector", f"no host in http://maria:{CANARY}@collector/v1/traces"),
        (ENDPOINT, f"https://{CANARY}@collector:4318", f"nobody is at https://{CANARY}@collector:4318"),
        (ENDPOINT, f"http://:{CANARY}%2F1@collector", f"wrong password {CANARY}/1"),
        (ENDPOINT, f"http://:{CANARY}%2F1@collector", f"wrong password {CANARY}%2F1"),
        (f"{ENDPOINT}?", f"http://collector/?key={CANARY}", f"Max retries exceeded with url: /?key={CANARY}"),
        (HEADERS, f"api-key={CANARY},other=x", f"Invalid header value b'{CANARY}'"),
        (HEADERS, f"authorization=Basic%20{CANARY}", f"Invalid header value 'Basic {CANARY}'"),
    ],
)
def test_what_a_collector_or_a_library_says_is_told_without_credentials(name: str, value: str, said: str) -> None:
    told = without_secrets(said, {name.rstrip("?"): value})
    assert CANARY not in told
    assert "***" in told


def test_what_holds_no_credentials_is_told_as_it_is() -> None:
    said = "Max retries exceeded with url: http://collector:4318/v1/traces"
    assert without_secrets(said, {ENDPOINT: "http://collector:4318"}) == said
    assert without_secrets(said, {}) == said
