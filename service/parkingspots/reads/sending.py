"""A kept answer on its way out."""

from starlette.types import Send

from parkingspots.kit.requests import HEADER
from parkingspots.reads.asked import Wants
from parkingspots.reads.entries import Entry

OK, NOT_MODIFIED = 200, 304
NO_STORE = b"no-store"
"""Cache-Control of what may be past its truth; Age says how old it is."""


async def send_entry(
    entry: Entry,
    wanted: Wants,
    send: Send,
    *,
    secure: bool = False,
    age: float | None = None,
    request_id: str | None = None,
) -> tuple[int, int]:
    """Send it; its status, and the bytes of its body. A message of its own each time: layers outside may change it.

    `secure`: the client speaks TLS, and no layer outside tells it to go on with that.
    """
    form = entry.form(takes_gzip=wanted.takes_gzip, signed_in=wanted.signed_in, secure=secure)
    if wanted.known is not None and wanted.knows(entry.about.etag):
        headers, body, status = list(form.not_modified), b"", NOT_MODIFIED
    else:
        headers, body, status = list(form.headers), form.body, OK
    if age is not None:
        headers = [header for header in headers if header[0] != b"cache-control"]
        headers += [(b"cache-control", NO_STORE), (b"age", str(int(age)).encode())]
    if request_id is not None:
        headers.append((HEADER, request_id.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return status, len(body)
