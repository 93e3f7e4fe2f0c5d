"""What the environment decides."""

from pathlib import Path

import jwt
import pytest
from limits import parse
from pydantic import ValidationError
from redis.asyncio.connection import parse_url

from parkingspots.settings import DEFAULT_SECRET_KEY, EXAMPLES, Environment, Settings, SettingsError, load

SECRET = "0123456789abcdef0123456789abcdef"
OF_ANOTHER_KIND = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIQ",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTI",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0B\n-----END PUBLIC KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
)
"""Keys of which PyJWT makes no HMAC."""
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": SECRET,
    "SKIP_PAYMENT_PROCESSING": "false",
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_a_test_1",
    "DATABASE_URL": "postgresql://app:hidden@db.example.com/parkingspots",
}


@pytest.fixture(autouse=True)
def _away_from_every_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load()


def test_without_any_variable_it_is_a_developers_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    assert settings.environment is Environment.DEVELOPMENT
    assert settings.skip_payment_processing
    assert (settings.access_token_minutes, settings.refresh_token_days) == (30, 14)
    assert (settings.hold_minutes, settings.booking_min_minutes, settings.booking_max_days) == (10, 15, 90)
    assert settings.cors_origins == []
    assert settings.cache_url == "redis://127.0.0.1:6379/0"


def test_the_names_of_the_first_backend_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch,
        DATABASE_URL="postgresql+asyncpg://app:hidden@db:5433/spots",
        DATABASE_POOL_SIZE="20",
        REDIS_HOST="cache",
        REDIS_PORT="6380",
        REDIS_PASSWORD="hidden",
        SECRET_KEY=SECRET,
        SECRET_KEY_PREVIOUS=SECRET[::-1],
        SKIP_PAYMENT_PROCESSING="false",
        STRIPE_SECRET_KEY="sk_1",
        STRIPE_PUBLISHABLE_KEY="pk_1",
        STRIPE_WEBHOOK_SECRET="whsec_of_a_test_1",
        ENABLE_BACKGROUND_TASKS="true",
        ENVIRONMENT="evaluation",
        CORS_ORIGINS='["http://localhost:3000"]',
    )
    url = settings.sqlalchemy_url
    assert (url.drivername, url.host, url.port, url.database) == ("postgresql+asyncpg", "db", 5433, "spots")
    assert (url.username, url.password) == ("app", "hidden")
    assert settings.database_pool_size == 20
    assert settings.cache_url == "redis://:hidden@cache:6380/0"
    assert settings.secret_key.get_secret_value() == SECRET
    assert settings.secret_key_previous is not None
    assert settings.secret_key_previous.get_secret_value() == SECRET[::-1]
    assert not settings.skip_payment_processing
    assert settings.stripe_secret_key is not None
    assert settings.stripe_secret_key.get_secret_value() == "sk_1"
    assert settings.stripe_publishable_key == "pk_1"
    assert settings.stripe_webhook_secret is not None
    assert settings.stripe_webhook_secret.get_secret_value() == "whsec_of_a_test_1"
    assert settings.enable_background_tasks
    assert settings.environment is Environment.EVALUATION
    assert settings.cors_origins == ["http://localhost:3000"]


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", []),
        ("[]", []),
        ("*", ["*"]),
        ("https://a.example", ["https://a.example"]),
        ("https://a.example, https://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example,,https://b.example,", ["https://a.example", "https://b.example"]),
        ('["https://a.example", "https://b.example"]', ["https://a.example", "https://b.example"]),
        ("['https://a.example']", ["https://a.example"]),
    ],
)
def test_origins_are_a_list_with_commas_or_in_json(
    monkeypatch: pytest.MonkeyPatch, text: str, origins: list[str]
) -> None:
    assert loaded(monkeypatch, CORS_ORIGINS=text).cors_origins == origins


def test_a_whole_redis_url_beats_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, REDIS_URL="rediss://cache:1/3", REDIS_HOST="other", REDIS_PASSWORD="x")
    assert settings.cache_url == "rediss://cache:1/3"


@pytest.mark.parametrize("url", ["unix:///run/valkey.sock?db=1", "rediss://cache/0?ssl_ca_certs=/etc/ssl/ca.pem&db=2"])
def test_a_redis_url_may_name_what_stands_nowhere_else_in_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert loaded(monkeypatch, REDIS_URL=url).cache_url == url


def test_proxies_are_addresses_or_networks_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch).trusted_proxies == []
    assert loaded(monkeypatch, TRUSTED_PROXIES="10.0.0.0/8, ::1").trusted_proxies == ["10.0.0.0/8", "::1"]


@pytest.mark.parametrize(
    ("rate", "amount", "seconds"),
    [("5 per minute", 5, 60), ("1 per second", 1, 1), ("100 per 15 minutes", 100, 900), ("20 per hour", 20, 3600)],
)
def test_a_limit_is_a_number_in_a_time(monkeypatch: pytest.MonkeyPatch, rate: str, amount: int, seconds: int) -> None:
    limit = parse(loaded(monkeypatch, RATE_LIMIT_BOOKINGS=rate).rate_limit_bookings)
    assert (limit.amount, limit.get_expiry()) == (amount, seconds)


def test_what_is_hardly_meant_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch).warnings() == []
    (unlimited,) = loaded(monkeypatch, RATE_LIMITS_ENABLED="false").warnings()
    assert "NOBODY IS LIMITED" in unlimited
    monkeypatch.delenv("RATE_LIMITS_ENABLED")
    (no_mail,) = loaded(monkeypatch, ENVIRONMENT="evaluation", SECRET_KEY=SECRET).warnings()
    assert "SMTP_URL" in no_mail
    (anybody,) = loaded(monkeypatch, **PRODUCTION, SMTP_URL="smtp://mail", CORS_ORIGINS="*").warnings()
    assert "any origin" in anybody


@pytest.mark.parametrize("password", ["p@ss:/?#[]%", "100%25", "λόγος", "with space", "+&="])
def test_an_awkward_password_of_the_cache_arrives_whole(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    parts = parse_url(loaded(monkeypatch, REDIS_PASSWORD=password, REDIS_HOST="cache").cache_url)
    assert parts["password"] == password
    assert (parts["host"], parts["port"], parts["db"]) == ("cache", 6379, 0)
    assert not parts.get("username")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_a_database_url_of_any_driver_is_asyncpgs(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    url = loaded(monkeypatch, DATABASE_URL=f"{scheme}://app:p%40ss@db/spots?sslmode=require").sqlalchemy_url
    assert url.drivername == "postgresql+asyncpg"
    assert url.password == "p@ss"
    assert dict(url.query) == {"ssl": "require"}


@pytest.mark.parametrize(
    "url", ["mysql://app:hidden@db/spots", "sqlite://", "hidden", "postgresql://app:hidden@db:port/spots"]
)
def test_a_database_that_is_not_postgresql_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        loaded(monkeypatch, DATABASE_URL=url)
    assert str(refusal.value) == "DATABASE_URL: use the form postgresql://user:password@host:5432/database"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "prod"),
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_POOL_SIZE", "many"),
        ("REDIS_PORT", "70000"),
        ("SKIP_PAYMENT_PROCESSING", "perhaps"),
        ("ENABLE_BACKGROUND_TASKS", "2"),
        ("DEFAULT_TIME_ZONE", "Mars/Phobos"),
        ("DEFAULT_CURRENCY", "euro"),
        ("SMTP_URL", "mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com:port"),
        ("SMTP_URL", "https://mail.example.com"),
        ("MAIL_FROM", "ParkingSpots"),
        ("MAIL_FROM", "a@example.com\nBcc: b@example.com"),
        ("WEB_URL", "www.example.com"),
        ("WEB_URL", "http://[::1"),
        ("RATE_LIMIT_REQUESTS", "many"),
        ("RATE_LIMIT_LOGINS", "0 per minute"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("SERVICE_FEE_PERCENT", "-1"),
        ("SERVICE_FEE_PERCENT", "NaN"),
        ("HOLD_MINUTES", "0"),
        ("DATABASE_STATEMENT_TIMEOUT_MS", "1000000000"),
        ("ACCESS_TOKEN_MINUTES", "1000000000000"),
        ("REFRESH_TOKEN_DAYS", "3000000"),
        ("BOOKING_MIN_MINUTES", "1000000000000"),
        ("CHECK_IN_EARLY_MINUTES", "1000000000000"),
        ("REDIS_URL", "redis://cache/0?db=x"),
        ("REDIS_URL", "redis://cache/0?max_connections=ten"),
        ("REDIS_URL", "redis://cache/0?socket_timeout=30"),
        ("REDIS_URL", "redis://cache/0?ssl_cert_reqs=none"),
        ("ACCESS_TOKEN_MINUTES", "0"),
        ("REFRESH_TOKEN_DAYS", "0"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_HOST", "127.0.0.1:5432"),
        ("DATABASE_HOST", "http://["),
        ("DATABASE_HOST", "/run/postgresql"),
        ("DATABASE_HOST", "[::1]"),
        ("DATABASE_HOST", "redis://h:99999/0"),
        ("DATABASE_HOST", "a" * 64 + ".example.com"),
        ("DATABASE_URL", "postgresql://app:hidden@db..example.com/spots"),
        ("DATABASE_URL", "postgresql://app:hidden@" + "a" * 64 + ".example.com/spots"),
        ("REDIS_HOST", "["),
        ("REDIS_HOST", "cache:6379"),
        ("REDIS_URL", "redis://cache..example.com/0"),
        ("SMTP_URL", "smtp://mail..example.com"),
        ("REDIS_PASSWORD", "\udcff"),
        ("SECRET_KEY", "\udcff" * 32),
        *((name, key) for name in ("SECRET_KEY", "SECRET_KEY_PREVIOUS") for key in OF_ANOTHER_KIND),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        loaded(monkeypatch, **{name: value})
    assert str(refusal.value).startswith(f"{name}: ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("key", OF_ANOTHER_KIND)
def test_what_is_refused_as_a_key_would_sign_nothing(key: str) -> None:
    with pytest.raises(jwt.InvalidKeyError):
        jwt.encode({}, key, "HS256")


@pytest.mark.parametrize(
    "host",
    ["db", "db_1", "db.example.com.", "10.0.0.1", "::1", "fe80::1%eth0", "bücher.example"],
)
def test_a_host_is_a_name_or_an_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert loaded(monkeypatch, DATABASE_HOST=host).sqlalchemy_url.host == host


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HOLD_MINUTES", "x", "must be a whole number"),
        ("HOLD_MINUTES", "0", "must be at least 1"),
        ("LOG_LEVEL", "loud", "must be one of 'debug', 'info', 'warning' or 'error'"),
        ("ENVIRONMENT", "prod", "must be one of 'development', 'evaluation' or 'production'"),
        ("SKIP_PAYMENT_PROCESSING", "perhaps", "must be true or false"),
    ],
)
def test_a_wrong_value_is_told_in_the_voice_of_the_api(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: {says}$"):
        loaded(monkeypatch, **{name: value})


def test_every_variable_that_cannot_be_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"HOLD_MINUTES: .*; LOG_LEVEL: "):
        loaded(monkeypatch, HOLD_MINUTES="0", LOG_LEVEL="loud")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, STRIPE_WEBHOOK_SECRET="", REDIS_URL="", SECRET_KEY_PREVIOUS="", HOLD_MINUTES="")
    assert settings.stripe_webhook_secret is settings.secret_key_previous is settings.redis_url is None
    assert settings.hold_minutes == 10


def test_production_starts_with_everything_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, **PRODUCTION).environment is Environment.PRODUCTION


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", DEFAULT_SECRET_KEY),
        ("SECRET_KEY", SECRET[1:]),
        ("SECRET_KEY_PREVIOUS", DEFAULT_SECRET_KEY),
        ("SECRET_KEY_PREVIOUS", "short"),
        ("SKIP_PAYMENT_PROCESSING", "true"),
        ("SKIP_PAYMENT_PROCESSING", ""),
        ("STRIPE_SECRET_KEY", ""),
        ("STRIPE_WEBHOOK_SECRET", ""),
        ("STRIPE_WEBHOOK_SECRET", " , "),
        ("STRIPE_WEBHOOK_SECRET", "whsec_short"),
        *(("STRIPE_WEBHOOK_SECRET", example) for example in sorted(EXAMPLES)),
        ("DATABASE_URL", ""),
    ],
)
def test_production_refuses_to_start_with_a_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        loaded(monkeypatch, **(PRODUCTION | {name: value}))
    sentence = str(refusal.value)
    assert sentence.startswith(f"{name} ")
    assert len(sentence.splitlines()) == 1
    for secret in (SECRET[1:], DEFAULT_SECRET_KEY, "sk_live_1", "whsec_of_a_test_1", "hidden"):
        assert secret not in sentence


def test_while_one_webhook_secret_replaces_another_both_are_known_and_no_example_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = "whsec_of_a_test_1, whsec_of_a_test_2,, whsec_change_me_change_me"
    settings = loaded(monkeypatch, **(PRODUCTION | {"STRIPE_WEBHOOK_SECRET": secrets}))
    assert settings.webhook_secrets == ["whsec_of_a_test_1", "whsec_of_a_test_2"]


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_PREVIOUS"])
def test_an_evaluation_skips_payments_but_not_secrets(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    evaluation = {"ENVIRONMENT": "evaluation", "SECRET_KEY": SECRET}
    assert loaded(monkeypatch, **evaluation).skip_payment_processing
    with pytest.raises(SettingsError, match=f"^{name} "):
        loaded(monkeypatch, **(evaluation | {name: DEFAULT_SECRET_KEY}))


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, **PRODUCTION, REDIS_PASSWORD="hidden", SECRET_KEY_PREVIOUS=SECRET[::-1])
    shown = f"{settings!r} {settings} {settings.sqlalchemy_url!r} {settings.sqlalchemy_url}"
    for secret in (SECRET, SECRET[::-1], "sk_live_1", "whsec_of_a_test_1", "hidden"):
        assert secret not in shown


def test_settings_do_not_change_while_the_process_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    with pytest.raises(ValidationError):
        settings.hold_minutes = 5  # type: ignore[misc]


def test_a_copy_with_another_url_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    assert settings.cache_url == "redis://127.0.0.1:6379/0"
    assert settings.model_copy(update={"redis_host": "cache"}).cache_url == "redis://cache:6379/0"


def test_a_file_named_env_is_read_and_the_environment_beats_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOLD_MINUTES=7\nREFRESH_TOKEN_DAYS=3\nUNKNOWN=1\n")
    settings = loaded(monkeypatch, REFRESH_TOKEN_DAYS="5")
    assert (settings.hold_minutes, settings.refresh_token_days) == (7, 5)


def test_a_file_named_env_that_is_no_text_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SECRET_KEY=\xff\xfe\n")
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        load()


@pytest.mark.parametrize(("percent", "basis_points"), [("0", 0), ("10", 1000), ("12.34", 1234), ("100", 10_000)])
def test_the_service_fee_has_two_decimals(monkeypatch: pytest.MonkeyPatch, percent: str, basis_points: int) -> None:
    assert loaded(monkeypatch, SERVICE_FEE_PERCENT=percent).fee_basis_points == basis_points


def test_the_database_may_be_named_by_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"DATABASE_HOST": "db", "DATABASE_PORT": "6432", "DATABASE_NAME": "spots", "DATABASE_USER": "app"}
    url = loaded(monkeypatch, **parts, DATABASE_PASSWORD="p@ss:/w?rd", DATABASE_SSLMODE="require").sqlalchemy_url
    assert (url.host, url.port, url.database, url.username, url.password) == ("db", 6432, "spots", "app", "p@ss:/w?rd")
    assert url.query == {"ssl": "require"}


def test_a_database_url_wins_over_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, DATABASE_URL="postgresql://one/spots", DATABASE_HOST="another")
    assert settings.sqlalchemy_url.host == "one"


def test_production_takes_a_database_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, **(PRODUCTION | {"DATABASE_URL": "", "DATABASE_HOST": "db.example.com"}))
    assert settings.sqlalchemy_url.host == "db.example.com"
