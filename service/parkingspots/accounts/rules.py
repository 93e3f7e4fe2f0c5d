"""Who somebody is and may become. Imports no framework and no database."""

from enum import StrEnum


class Role(StrEnum):
    RENTER = "renter"
    OWNER = "owner"
    ADMIN = "admin"


def role_after_listing(role: Role) -> Role:
    """The role of somebody who has just listed a spot: a renter becomes an owner."""
    return Role.OWNER if role is Role.RENTER else role
