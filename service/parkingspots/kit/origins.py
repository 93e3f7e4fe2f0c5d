"""Which other origins' pages may read answers (CORS): those that CORS_ORIGINS names, and by default none."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from parkingspots.kit.answers import answer
from parkingspots.kit.hardening import protected
from parkingspots.kit.problems import BadRequest


class NotOffered(BadRequest):
    title = "Not offered to other origins"
    detail = "Pages of this origin may not ask this, or not like this. CORS_ORIGINS names the origins that may."


class OtherOrigins(CORSMiddleware):
    """Stands outside of all, so that a browser may read every answer; its own are as all others are."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser asks ahead. Nobody sends cookies here, so that no answer allows credentials."""
        response = super().preflight_response(request_headers)
        if response.status_code >= 400:  # noqa: PLR2004 - refused
            response = answer(NotOffered())
            response.headers["Vary"] = self.preflight_headers["Vary"]
        response.raw_headers = protected(response.raw_headers, secure=False)
        return response

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether it is one of them, to the letter. `null` is what any page in a sandbox calls itself."""
        return origin != "null" and super().is_allowed_origin(origin)
