"""Who somebody is and may become. Imports no framework and no database."""

from enum import StrEnum


class Role(StrEnum):
    RENTER = "renter"
    OWNER = "owner"
    ADMIN = "admin"


class Purpose(StrEnum):
    """What a token that was sent by mail is good for, once."""

    RESET = "reset"
    VERIFICATION = "verification"


def role_after_listing(role: Role) -> Role:
    """The role of somebody who has just listed a spot: a renter becomes an owner."""
    return Role.OWNER if role is Role.RENTER else role


def one_spelling(email: str) -> str:
    """The same for all spellings of an e-mail that the database takes for one: letter by letter in lower case."""
    return "".join(letter.lower()[0] for letter in email)
