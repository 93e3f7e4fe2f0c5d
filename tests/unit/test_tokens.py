"""Access and refresh tokens: only genuine ones, for their own use, in their time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
from pydantic import SecretStr

from parkingspots.accounts import tokens
from parkingspots.accounts.tokens import Claims, Use
from parkingspots.settings import Settings

NOW = datetime(2040, 1, 2, 10, 0, tzinfo=UTC)
KEY, OTHER_KEY = "k" * 32, "o" * 32
SETTINGS = Settings.model_construct(secret_key=SecretStr(KEY))
CLAIMS = Claims(uuid4(), uuid4(), uuid4())
PAYLOAD: dict[str, object] = {
    "iss": "parkingspots",
    "aud": "parkingspots",
    "sub": str(CLAIMS.user_id),
    "sid": str(CLAIMS.session_id),
    "jti": str(CLAIMS.token_id),
    "use": "access",
    "iat": NOW,
    "exp": NOW + timedelta(minutes=1),
}


def forged(key: str = KEY, algorithm: str = "HS256", changes: Mapping[str, object] = PAYLOAD) -> str:
    """A token as the product's own, but for `changes`; None leaves a claim out."""
    payload = {name: value for name, value in {**PAYLOAD, **changes}.items() if value is not None}
    return jwt.encode(payload, key, algorithm)


@pytest.mark.parametrize("use", ["access", "refresh"])
def test_a_token_says_whose_it_is(use: Use) -> None:
    assert tokens.read(SETTINGS, use, tokens.issue(SETTINGS, use, CLAIMS, NOW), NOW) == CLAIMS


def test_an_untouched_copy_of_a_token_is_good() -> None:
    assert tokens.read(SETTINGS, "access", forged(), NOW) == CLAIMS


@pytest.mark.parametrize(("issued", "asked"), [("access", "refresh"), ("refresh", "access")])
def test_a_token_is_good_for_one_use(issued: Use, asked: Use) -> None:
    assert tokens.read(SETTINGS, asked, tokens.issue(SETTINGS, issued, CLAIMS, NOW), NOW) is None


@pytest.mark.parametrize(("use", "lifetime"), [("access", timedelta(minutes=30)), ("refresh", timedelta(days=14))])
def test_a_token_ends_with_its_lifetime(use: Use, lifetime: timedelta) -> None:
    token = tokens.issue(SETTINGS, use, CLAIMS, NOW)
    assert tokens.read(SETTINGS, use, token, NOW + lifetime - timedelta(seconds=1)) == CLAIMS
    assert tokens.read(SETTINGS, use, token, NOW + lifetime) is None


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"aud": ["somebody", "else"]},
        {"use": "reset"},
        {"sub": "nobody"},
        {"sub": 5},
        {"sid": ""},
        {"jti": "\ud800"},
        {"exp": "soon"},
        {"exp": 1e400},
        {"iss": None},
        {"aud": None},
        {"sub": None},
        {"sid": None},
        {"jti": None},
        {"use": None},
        {"exp": None},
    ],
    ids=str,
)
def test_a_token_with_a_claim_that_is_wrong_or_missing_is_refused(change: dict[str, object]) -> None:
    assert tokens.read(SETTINGS, "access", forged(changes=change), NOW) is None


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_only_one_algorithm_is_taken(algorithm: str) -> None:
    long_key = "k" * 64
    settings = Settings.model_construct(secret_key=SecretStr(long_key))
    assert tokens.read(settings, "access", forged(long_key), NOW) == CLAIMS
    assert tokens.read(settings, "access", forged(long_key, algorithm), NOW) is None


def test_an_unsigned_token_is_refused() -> None:
    assert tokens.read(SETTINGS, "access", jwt.encode(PAYLOAD, "", "none"), NOW) is None


def test_a_token_signed_by_somebody_else_is_refused() -> None:
    assert tokens.read(SETTINGS, "access", forged(OTHER_KEY), NOW) is None


@pytest.mark.parametrize("token", ["", ".", "..", "x.y.z", "é.é.é", "\ud800.a.b", "a" * 5000, f"{forged()}x"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert tokens.read(SETTINGS, "access", token, NOW) is None


def test_the_previous_key_reads_but_does_not_sign() -> None:
    rotated = Settings.model_construct(secret_key=SecretStr(OTHER_KEY), secret_key_previous=SecretStr(KEY))
    assert tokens.read(rotated, "access", forged(), NOW) == CLAIMS
    fresh = tokens.issue(rotated, "access", CLAIMS, NOW)
    assert tokens.read(SETTINGS, "access", fresh, NOW) is None
    assert tokens.read(rotated, "access", fresh, NOW) == CLAIMS


def test_every_id_is_new() -> None:
    assert tokens.new_id() != tokens.new_id()
