"""What may be wrong with an act of staff."""

from parkingspots.kit.problems import BadRequest, NotFound


class UserNotFound(NotFound):
    title = "User not found"
    detail = "There is no such user, or the account was deleted. Search by e-mail or name."


class OneselfDisabled(BadRequest):
    title = "Your own account"
    detail = "You cannot disable your own account. Ask another admin."
