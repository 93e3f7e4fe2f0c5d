"""What may be wrong with a request about accounts."""

from parkingspots.kit.problems import BadRequest, Conflict, Forbidden, NotFound, Problem


class NotSignedIn(Problem):
    status, title = 401, "Not signed in"
    detail = "Sign in and send the access token as `Authorization: Bearer …`."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class WrongCredentials(NotSignedIn):
    title = "Wrong credentials"
    detail = "The e-mail or the password is wrong. Check both and try again."


class SpentToken(NotSignedIn):
    title = "Token not accepted"
    detail = "This refresh token is not valid any more. Sign in again."


class SessionNotFound(NotFound):
    title = "Session not found"
    detail = "There is no such session of yours, or it has ended. List your sessions to see those that go on."


class EmailTaken(Conflict):
    title = "E-mail taken"
    detail = "There is an account with this e-mail already. Sign in, or use another e-mail."


class AccountDisabled(Forbidden):
    title = "Account disabled"
    detail = "This account is disabled. Write to support to have it enabled."


class StaffOnly(Forbidden):
    title = "Staff only"
    detail = "This is for admins. Sign in as one."


class WrongPassword(BadRequest):
    title = "Wrong password"
    detail = "The current password is wrong. Nothing was changed."


class StaleToken(BadRequest):
    title = "Token not accepted"
    detail = "This token is wrong, used already or too old. Ask for a new letter and use the token in it."


class LiveBookings(Conflict):
    title = "Bookings are live"
    detail = "You have bookings, or your spots have, that are not over. Cancel them, or wait for their end."
