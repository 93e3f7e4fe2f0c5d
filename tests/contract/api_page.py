"""docs/api.md, made from the OpenAPI document: `PYTHONPATH=tests python -m contract.api_page` prints it."""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from contract.endpoints import CONTRACT, PAGES
from operations import OPERATIONS, Operation

STAFF = "staff"
WATCHED = "service"
COMMON = {"BadRequest", "BodyTooLarge", "Invalid", "TooManyRequests", "Unavailable"}
"""Problems that need no naming at each endpoint."""
HEAD = ("endpoint", "who", "what", "answers", "contract")
OPENING = """\
# The API
Every endpoint there is, made from [openapi.json](openapi.json) by `make openapi`. A running service shows the same with
schemas and examples at `/docs` and `/redoc`, and gives the document itself at `/api/v1/openapi.json`.

- **Who**: *anybody*; *signed in*: with an access token, else 401; *staff*: with an admin's, else 403.
- **Answers**: the success, then the endpoint's own problems (`application/problem+json`). Besides them, all under
  `/api/v1` may answer 422 to input that cannot be used, 413 to a body above 1 MiB, 400 to one that cannot be read, 429
  and 503 with `Retry-After`, and 304 to a GET.
- **X-Request-ID**: one of up to 64 letters, digits and `._:+/=-` that a client or a proxy sends comes back in the
  answer and stands in the log. Without one, or with another, an answer has a new one, unless it was at hand already.
- **✓**: in the contract with clients; it stays as it is. The others were added since.
"""


def page() -> str:
    """The whole page, Markdown."""
    ordered = sorted(OPERATIONS, key=_tag)
    return "\n".join([OPENING, *(_section(tag, each) for tag, each in groupby(ordered, _tag)), _closing()])


def title(operation: Operation) -> str:
    """How the contract names an operation."""
    return f"{operation.method} {operation.path}"


def _tag(operation: Operation) -> str:
    tag: str = operation.described["tags"][0]
    return tag


def _section(tag: str, operations: Iterable[Operation]) -> str:
    rows = [HEAD, ("---",) * len(HEAD), *map(_row, operations)]
    return f"## {tag.capitalize()}\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(operation: Operation) -> tuple[str, ...]:
    return (
        f"`{title(operation)}`",
        _who(operation),
        operation.described["description"].split(". ")[0].rstrip(".").replace("|", r"\|"),
        ", ".join(_answers(operation)),
        "✓" if title(operation) in CONTRACT else "",
    )


def _who(operation: Operation) -> str:
    if _tag(operation) == STAFF:
        return STAFF
    return "signed in" if operation.needs_token else "anybody"


def _answers(operation: Operation) -> Iterator[str]:
    for status, answer in operation.described["responses"].items():
        kinds = {kind for content in answer.get("content", {}).values() for kind in content.get("examples", {})}
        if status.startswith("2") or kinds - COMMON or (kinds and _tag(operation) == WATCHED):
            yield status


def _closing() -> str:
    pages = ", ".join(f"`{each}`" for each in PAGES)
    return f"## Not in these tables\nIn the contract too: the pages {pages} ✓.\n"


if __name__ == "__main__":
    sys.stdout.write(page())
