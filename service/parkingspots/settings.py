"""What the environment decides. Every name is an environment variable; `.env` in the current folder is read too."""

import re
from contextlib import suppress
from decimal import Decimal
from email.utils import parseaddr
from enum import StrEnum
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from parkingspots.plainly import sentence

DEFAULT_SECRET_KEY = "development-only-secret-key-change-me-0123456789"  # noqa: S105 - refused outside development
DEFAULT_DATABASE_URL = "postgresql://parkingspots:parkingspots@127.0.0.1:5432/parkingspots"
LEAST_SECRET_LENGTH = 32
"""RFC 7518, 3.2: a key of HS256 has at least 256 bits."""
LEAST_WEBHOOK_SECRET = 16
EXAMPLES = frozenset({"whsec_change_me_change_me", "whsec_your_webhook_secret", "whsec_xxxxxxxxxxxxxxxx"})
"""What stands in examples, and is no secret."""
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[1-9]\d{0,4})?|https?://\[[0-9a-f:]+\](:[1-9]\d{0,4})?")
REDIS_TLS = frozenset({"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"})
"""Of what redis-py reads behind the ?. The rest would undo how long the product waits for it, or fail at the start."""
NOT_UTF_8 = re.compile("[\ud800-\udfff]")
"""As Python shows bytes that are not (PEP 383)."""
NOT_IN_A_HOST = re.compile(r"[\s/?#@:%\[\]\\]")
OF_ANOTHER_KIND = re.compile(r"-BEGIN |ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp|-cert-v01@openssh\.com")
RATE = re.compile(r"[1-9]\d{0,8} per ([1-9]\d{0,3} )?(second|minute|hour|day)s?")


@cache
def time_zones() -> frozenset[str]:
    """IANA's names, but those that PostgreSQL takes for abbreviations of one offset all year."""
    return frozenset(available_timezones()) - {"CET", "EET", "MET", "WET"}


class SettingsError(Exception):
    """The environment cannot be used; the message is one sentence a variable, for a person at a terminal."""


class Environment(StrEnum):
    DEVELOPMENT = "development"
    EVALUATION = "evaluation"
    PRODUCTION = "production"


def database_url(text: str) -> URL:
    """The asyncpg URL of what the user gave: with or without a driver; libpq's sslmode is understood."""
    url = make_url(text)
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ArgumentError(f"{url.drivername} is not PostgreSQL")
    if strange := set(url.query) - {"ssl", "sslmode"}:
        raise ValueError(f"leave out {', '.join(sorted(strange))}: sslmode alone is understood behind the ?")
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)


def _is_a_host(name: str) -> bool:
    """An address, or a name that a resolver takes (RFC 5890 where it is not ASCII)."""
    with suppress(ValueError):
        ip_address(name)
        return True
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return NOT_IN_A_HOST.search(name) is None


def _a_host(name: str) -> str:
    if not _is_a_host(name):
        raise ValueError("use a name or an address alone, such as db.example.com: its port has a variable of its own")
    return name


def _a_database_url(secret: SecretStr) -> SecretStr:
    try:
        host = database_url(secret.get_secret_value()).host
        usable = host is None or _is_a_host(host)
    except (ArgumentError, ValueError):  # the latter where the port is no number
        usable = False
    if not usable:
        raise ValueError("use the form postgresql://user:password@host:5432/database")
    return secret


def _a_redis_url(secret: SecretStr) -> SecretStr:
    """An unquoted / or # in a password would make its beginning the host, or the port: both are told when they fail."""
    try:
        parts = urlsplit(secret.get_secret_value())
        usable = parts.scheme in {"redis", "rediss", "unix"} and parts.port != 0
        usable = usable and (parts.hostname is None or _is_a_host(parts.hostname))
        usable = usable and "@" not in parts.path + parts.fragment
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        usable = usable and all(_is_of_redis(parts.scheme, name, value) for name, value in options)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            "use the form redis://:password@host:6379/0, with / in a password as %2F; behind a ? stand db and, for "
            f"rediss, {', '.join(sorted(REDIS_TLS))} alone"
        )
    return secret


def _is_of_redis(scheme: str, name: str, value: str) -> bool:
    return (name in REDIS_TLS and scheme == "rediss") or (name == "db" and value.isascii() and value.isdigit())


def _an_smtp_url(secret: SecretStr) -> SecretStr:
    """smtp:// goes over to TLS where the server offers it (STARTTLS), smtps:// speaks TLS from the start."""
    try:
        parts = urlsplit(secret.get_secret_value())
        usable = parts.scheme in {"smtp", "smtps"} and _is_a_host(parts.hostname or "?") and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("use the form smtp://user:password@host:587 or smtps://user:password@host:465")
    return secret


def _a_sender(text: str) -> str:
    if "@" not in parseaddr(text)[1] or not text.isprintable():
        raise ValueError("use the form ParkingSpots <no-reply@example.com>")
    return text


def _a_web_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("use the form https://www.example.com")
    return url.rstrip("/")


def _a_rate(text: str) -> str:
    if not RATE.fullmatch(text):
        raise ValueError("use the form 10 per 15 minutes")
    return text


def _networks(names: list[str]) -> list[str]:
    for name in names:
        try:
            ip_network(name)
        except ValueError:
            raise ValueError("use addresses or networks such as 10.0.0.0/8, separated by commas") from None
    return names


def _origins(origins: list[str]) -> list[str]:
    """As browsers write them (RFC 6454, 6.2), which compare letter by letter; `null` is anybody's who hides."""
    if not all(origin == "*" or ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("use origins such as https://www.example.com, without a path, separated by commas")
    return origins


Rate = Annotated[str, AfterValidator(_a_rate)]


def _a_time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("use an IANA time zone such as Europe/Athens")
    return name


def _a_signing_key(key: SecretStr) -> SecretStr:
    """PyJWT signs nothing by HMAC with what is a key of another kind, as everybody may know its public half."""
    if OF_ANOTHER_KIND.search(key.get_secret_value()):
        raise ValueError("is a key of SSH or in PEM, with which no token is signed: use at least 32 random characters")
    return key


def _require_secret(name: str, key: SecretStr) -> None:
    if key.get_secret_value() == DEFAULT_SECRET_KEY:
        raise ValueError(f"{name} is the default one: set it to at least 32 random characters")
    if len(key.get_secret_value()) < LEAST_SECRET_LENGTH:
        raise ValueError(f"{name} is too short: set it to at least 32 random characters")


def _a_list(value: Any) -> Any:  # noqa: ANN401 - whatever the environment holds
    """`a, b` and the first backend's `["a", "b"]` are both understood."""
    if not isinstance(value, str):
        return value
    return [part for part in (piece.strip(" \"'") for piece in value.strip("[] ").split(",")) if part]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    environment: Environment = Environment.DEVELOPMENT

    database_url: Annotated[SecretStr, AfterValidator(_a_database_url)] = SecretStr(DEFAULT_DATABASE_URL)
    database_host: Annotated[str, AfterValidator(_a_host)] | None = None
    database_port: int = Field(default=5432, ge=1, le=65535)
    database_name: str = "parkingspots"
    database_user: str = "parkingspots"
    database_password: SecretStr | None = None
    database_sslmode: str | None = Field(default=None, pattern="^(disable|allow|prefer|require|verify-ca|verify-full)$")
    database_pool_size: int = Field(default=10, ge=1, le=200)
    database_pool_wait_seconds: float = Field(default=5, gt=0, le=60)
    database_statement_timeout_ms: int = Field(default=5_000, ge=100, le=3_600_000)
    database_lock_timeout_ms: int = Field(default=3_000, ge=10, le=3_600_000)

    redis_url: Annotated[SecretStr, AfterValidator(_a_redis_url)] | None = None
    redis_host: Annotated[str, AfterValidator(_a_host)] = "127.0.0.1"
    redis_port: int = Field(default=6379, ge=1, le=65535)
    redis_password: SecretStr | None = None

    cache_search_seconds: float = Field(default=300, ge=0, le=3600)
    cache_spot_seconds: float = Field(default=600, ge=0, le=3600)
    cache_local_megabytes: int = Field(default=32, ge=1, le=4096)
    cache_release: str | None = Field(default=None, pattern="^[A-Za-z0-9._-]{1,64}$")

    secret_key: Annotated[SecretStr, AfterValidator(_a_signing_key)] = SecretStr(DEFAULT_SECRET_KEY)
    secret_key_previous: Annotated[SecretStr, AfterValidator(_a_signing_key)] | None = None
    access_token_minutes: int = Field(default=30, ge=1, le=1440)
    refresh_token_days: int = Field(default=14, ge=1, le=366)

    skip_payment_processing: bool = True
    stripe_secret_key: SecretStr | None = None
    stripe_publishable_key: str | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: Annotated[str, AfterValidator(_a_web_url)] | None = None
    stripe_timeout_seconds: float = Field(default=8, gt=0, le=30)
    payout_delay_hours: int = Field(default=24, ge=0, le=720)

    enable_background_tasks: bool = False
    cors_origins: Annotated[list[str], NoDecode, AfterValidator(_origins), Field(validate_default=True)] = Field(
        default_factory=list
    )
    trusted_proxies: Annotated[list[str], NoDecode, AfterValidator(_networks)] = Field(default_factory=list)

    rate_limits_enabled: bool = True
    rate_limit_requests: Rate = "1200 per minute"
    rate_limit_logins: Rate = "10 per 15 minutes"
    rate_limit_logins_of_address: Rate = "100 per 15 minutes"
    rate_limit_registrations: Rate = "20 per hour"
    rate_limit_resets: Rate = "5 per hour"
    rate_limit_bookings: Rate = "30 per minute"
    rate_limit_payments: Rate = "20 per minute"

    smtp_url: Annotated[SecretStr, AfterValidator(_an_smtp_url)] | None = None
    mail_from: Annotated[str, AfterValidator(_a_sender)] = "ParkingSpots <no-reply@parkingspots.example>"
    web_url: Annotated[str, AfterValidator(_a_web_url)] = "http://127.0.0.1:3000"

    default_time_zone: Annotated[str, AfterValidator(_a_time_zone), Field(validate_default=False)] = "Europe/Athens"
    default_currency: str = Field(default="EUR", pattern="^[A-Z]{3}$")
    service_fee_percent: Decimal = Field(default=Decimal(10), ge=0, le=100, decimal_places=2)
    hold_minutes: int = Field(default=10, ge=1, le=1440)
    booking_min_minutes: int = Field(default=15, ge=1, le=1440)
    booking_max_days: int = Field(default=90, ge=1, le=366)
    booking_horizon_days: int = Field(default=365, ge=1, le=3660)
    check_in_early_minutes: int = Field(default=30, ge=0, le=1440)

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    request_log_share: float | None = Field(default=None, ge=0, le=1)
    request_log_slow_seconds: float = Field(default=1, gt=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _database_of_parts(self) -> Self:
        """DATABASE_HOST and its companions stand for a DATABASE_URL that is not given."""
        if self.database_host is not None and "database_url" not in self.model_fields_set:
            password = self.database_password.get_secret_value() if self.database_password else None
            query = {"sslmode": self.database_sslmode} if self.database_sslmode else {}
            where = (self.database_host, self.database_port, self.database_name)
            url = URL.create("postgresql", self.database_user, password, *where, query)
            object.__setattr__(self, "database_url", SecretStr(url.render_as_string(hide_password=False)))
        return self

    @model_validator(mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the environment holds
        if isinstance(values, dict):
            for name in {"cors_origins", "trusted_proxies"} & values.keys():
                values[name] = _a_list(values[name])
            for name, value in values.items():
                if isinstance(value, str) and NOT_UTF_8.search(value):
                    raise ValueError(f"{name.upper()}: is not UTF-8 text")
        return values

    @model_validator(mode="after")
    def _secrets_are_set(self) -> Self:
        if self.environment is not Environment.DEVELOPMENT:
            _require_secret("SECRET_KEY", self.secret_key)
            if self.secret_key_previous is not None:
                _require_secret("SECRET_KEY_PREVIOUS", self.secret_key_previous)
        if self.environment is Environment.PRODUCTION:
            self._require_production()
        return self

    def _require_production(self) -> None:
        if self.skip_payment_processing:
            raise ValueError("SKIP_PAYMENT_PROCESSING must be false in production: nothing would be paid")
        if self.stripe_secret_key is None:
            raise ValueError("STRIPE_SECRET_KEY is missing: production takes payments and needs it")
        if not self.webhook_secrets:
            raise ValueError("STRIPE_WEBHOOK_SECRET is missing or an example: production takes payments and needs it")
        if self.database_url.get_secret_value() == DEFAULT_DATABASE_URL:
            raise ValueError("DATABASE_URL or DATABASE_HOST is missing: set it to the database that production uses")

    def warnings(self) -> list[str]:
        """What is allowed but hardly meant, for the log of every start."""
        found = []
        if not self.rate_limits_enabled:
            found.append("RATE_LIMITS_ENABLED=false: NOBODY IS LIMITED, passwords can be guessed. For load tests only.")
        if "*" in self.cors_origins and self.environment is Environment.PRODUCTION:
            found.append("CORS_ORIGINS has *: pages of any origin may read what they ask with a token of theirs.")
        if any(ip_network(each).prefixlen == 0 for each in self.trusted_proxies):
            found.append("TRUSTED_PROXIES has everybody in it: clients choose their addresses, and no limit holds.")
        if not self.skip_payment_processing and self.stripe_secret_key is None:
            found.append("STRIPE_SECRET_KEY is not set: bookings wait for payments that nobody can make.")
        if not self.skip_payment_processing and not self.webhook_secrets:
            found.append(
                "STRIPE_WEBHOOK_SECRET is not set, too short or an example: "
                "payments are heard of late, by the minute job alone."
            )
        if self.smtp_url is None and self.environment is not Environment.DEVELOPMENT:
            found.append("SMTP_URL is not set: no mail is sent, so nobody can reset a password or verify an e-mail.")
        return found

    @property
    def sqlalchemy_url(self) -> URL:
        return database_url(self.database_url.get_secret_value())

    @property
    def cache_url(self) -> str:
        """The Redis URL, put together from host, port and password where none is given whole."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        password = self.redis_password.get_secret_value() if self.redis_password else None
        url = URL.create("redis", "" if password else None, password, self.redis_host, self.redis_port, "0")
        return url.render_as_string(hide_password=False)

    @property
    def webhook_secrets(self) -> list[str]:
        """Those that sign Stripe's events: several, while one replaces another. An empty one would fit anything."""
        given = self.stripe_webhook_secret.get_secret_value() if self.stripe_webhook_secret else ""
        secrets = [secret.strip() for secret in given.split(",")]
        return [secret for secret in secrets if len(secret) >= LEAST_WEBHOOK_SECRET and secret not in EXAMPLES]

    @property
    def fee_basis_points(self) -> int:
        return int(self.service_fee_percent * 100)


def load() -> Settings:
    """The settings of this process, or SettingsError with a sentence for each variable that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(map(_sentence, error.errors(include_url=False, include_input=False)))) from None
    except UnicodeDecodeError:
        raise SettingsError(".env is not UTF-8 text: save it as such, or remove it") from None


def _sentence(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """One line a variable; names the variable, never its value, which may be a secret."""
    name = "_".join(map(str, error["loc"][:1])).upper()
    return f"{name}: {sentence(error)}" if name else sentence(error)
