"""What may be wrong with a request about reviews."""

from parkingspots.kit.problems import Conflict, Forbidden, NotFound


class ReviewNotFound(NotFound):
    title = "Review not found"
    detail = "There is no such review to read, or none of yours to change. Check the id."


class NotTheRenter(Forbidden):
    title = "Not yours to review"
    detail = "A booking is reviewed by the renter who made it, and by nobody else."


class NotTheAuthor(Forbidden):
    title = "Not yours to change"
    detail = "A review is changed by its author only. As the owner of the spot, respond to it instead."


class NotTheOwner(Forbidden):
    title = "Not yours to answer"
    detail = "A review is responded to by the owner of the spot only."


class NotCompleted(Conflict):
    title = "Not completed"
    detail = "A booking is reviewed once it is completed. Check out, or wait for its end, then write."


class AlreadyReviewed(Conflict):
    title = "Already reviewed"
    detail = "This booking has been reviewed. Change that review; one that staff has removed is not written again."


class TooLateToEdit(Conflict):
    title = "Too late to edit"
    detail = "A review can be changed for 14 days after it was written. You may still delete it."
