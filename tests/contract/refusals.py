"""What any answer to bad input has to be."""

import httpx


def require_refusal(answer: httpx.Response, what: object) -> None:
    assert 400 <= answer.status_code < 500, f"{str(what)[:200]!r}: {answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert isinstance(answer.json()["detail"], str)


def require_no_failure(answer: httpx.Response, what: object) -> None:
    assert answer.status_code < 500, f"{str(what)[:200]!r}: {answer.status_code} {answer.text[:500]}"
