"""What goes over the wire about accounts."""

from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, ConfigDict, Field, field_validator

from parkingspots.accounts.models import Session
from parkingspots.accounts.rules import Role
from parkingspots.kit.wire import ImageURL, Instant, Latitude, Line, Longitude, Text, Wire, not_null


def _normalised(address: str) -> str:
    """The one way to write an address: Unicode's NFC, the domain in letters and in lower case.

    None with the beginning of an encoded word (RFC 2047): in a letter's header it would be read as something else.
    """
    with suppress(EmailNotValidError):
        if "=?" not in address:
            return validate_email(address, check_deliverability=False).normalized
    raise ValueError("must be an e-mail address such as maria@example.com")


def _perhaps_normalised(address: str) -> str:
    """One that nobody can have registered is a wrong credential like any other, not an invalid field."""
    try:
        return _normalised(address)
    except ValueError:
        return address


Email = Annotated[Line, Field(max_length=254, json_schema_extra={"format": "email"}), AfterValidator(_normalised)]
AnyEmail = Annotated[Line, Field(max_length=254), AfterValidator(_perhaps_normalised)]
Name = Annotated[Line, Field(min_length=1, max_length=255)]
Phone = Annotated[Line, Field(max_length=32)]
Password = Annotated[Text, Field(min_length=8, max_length=256)]
AnyPassword = Annotated[str, Field(max_length=256)]
"""One that is only compared, so that a short one is wrong and not invalid."""
Token = Annotated[Text, Field(max_length=4_096)]

CODE = "uQn7ZkS0f0V1cJ5mQ2rYxW8bTg3hLd9eKp6aNi4oXyE"

USER: dict[str, Any] = {
    "id": "0198c0de-7a10-7000-8000-000000000001",
    "email": "maria@example.com",
    "full_name": "Maria Papadopoulou",
    "phone_number": "+30 210 1234567",
    "role": "owner",
    "is_active": True,
    "is_verified": False,
    "profile_image": None,
    "latitude": 37.9755,
    "longitude": 23.7348,
    "created_at": "2030-01-31T09:00:00Z",
}


class RegisterIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "maria@example.com",
                    "password": "correct horse",
                    "full_name": "Maria Papadopoulou",
                    "role": "owner",
                }
            ]
        }
    )

    email: Email
    password: Password
    full_name: Name
    phone_number: Phone | None = None
    role: Literal["renter", "owner"] = "renter"


class LoginIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "maria@example.com", "password": "correct horse"}]}
    )

    email: AnyEmail
    password: AnyPassword


class LoginForm(Wire):
    """The OAuth2 password form (RFC 6749, 4.3.2)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "maria@example.com", "password": "correct horse"}]}
    )

    username: AnyEmail
    password: AnyPassword


class RefreshIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "eyJhbGciOiJIUzI1NiIs…"}]})

    refresh_token: Token


class TokensOut(Wire):
    model_config = ConfigDict(
        title="Token",
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJIUzI1NiIs…",
                    "refresh_token": "eyJhbGciOiJIUzI1NiIs…",
                    "token_type": "bearer",
                }
            ]
        },
    )

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - RFC 6750's name of a kind of token


class ForgottenPasswordIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "maria@example.com"}]})

    email: Email


class PasswordResetIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": CODE, "new_password": "battery staple"}]})

    token: Token
    new_password: Password


class VerificationIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": CODE}]})

    token: Token


class SessionOut(Wire):
    """A signed-in client: where its newest tokens went, and when."""

    model_config = ConfigDict(
        title="Session",
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-7a10-7000-8000-00000000000c",
                    "user_agent": "ParkingSpots/2.1 (Android 16)",
                    "address": "203.0.113.7",
                    "created_at": "2030-01-31T09:00:00Z",
                    "refreshed_at": "2030-02-01T17:30:00Z",
                    "expires_at": "2030-02-15T17:30:00Z",
                    "is_current": True,
                }
            ]
        },
    )

    id: UUID
    user_agent: str | None
    address: str | None = Field(description="the IPv4 address or the IPv6 network")
    created_at: Instant
    refreshed_at: Instant
    expires_at: Instant
    is_current: bool = Field(description="whether this request belongs to it")

    @classmethod
    def of(cls, family: Session, current: UUID) -> "SessionOut":
        family_is = {name: getattr(family, name) for name in cls.model_fields if name != "is_current"}
        return cls.model_validate(family_is | {"is_current": family.id == current})


class PasswordChangeIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"current_password": "correct horse", "new_password": "battery staple"}]}
    )

    current_password: AnyPassword
    new_password: Password


class ProfileIn(Wire):
    """What a user may change about themselves; what is not sent stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"full_name": "Maria Papadopoulou", "phone_number": None}]}
    )

    email: Email | None = None
    full_name: Name | None = None
    phone_number: Phone | None = None
    profile_image: ImageURL | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    _not_null = field_validator("email", "full_name", mode="before")(not_null)


class UserOut(Wire):
    model_config = ConfigDict(title="User", json_schema_extra={"examples": [USER]})

    id: UUID
    email: str
    full_name: str
    phone_number: str | None
    role: Role
    is_active: bool
    is_verified: bool
    profile_image: str | None
    latitude: float | None
    longitude: float | None
    created_at: Instant


class PublicUserOut(Wire):
    """What everybody may know about a user."""

    model_config = ConfigDict(
        title="PublicUser",
        json_schema_extra={
            "examples": [{name: USER[name] for name in ("id", "full_name", "profile_image", "created_at")}]
        },
    )

    id: UUID
    full_name: str
    profile_image: str | None
    created_at: Instant
