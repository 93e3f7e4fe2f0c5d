"""What no answer may show, whoever repeats it: a server, a library or a mistake of ours."""

import os
from collections.abc import Callable, Iterator
from urllib.parse import unquote, unquote_plus, urlsplit

from pydantic import SecretStr

from parkingspots.settings import Settings

SHORTEST = 6
"""Of a secret that can be told from words."""
WORDS = frozenset({"parkingspots", "postgres", "password"})
"""Passwords that everybody knows, and that sentences and commands are made of."""
SECRETS = tuple(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))


def hiding(settings: Settings | None) -> Callable[[str], str]:
    """Puts asterisks in the place of every secret that the settings, or the environment, have."""
    secrets = sorted({each for each in _secrets(settings) if len(each) >= SHORTEST} - WORDS, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    return hide


def _secrets(settings: Settings | None) -> Iterator[str]:
    for name in SECRETS:
        value = getattr(settings, name, None)
        for text in (
            value.get_secret_value() if isinstance(value, SecretStr) else "",
            os.environ.get(name.upper(), ""),
        ):
            if "://" in text:
                yield from _passwords(text)
            else:
                yield text
                yield from (each.strip() for each in text.split(","))


def _passwords(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        password = parts.password or ""
    except ValueError:  # no URL at all: nothing of it is shown
        yield url
    else:
        yield from (url, password, unquote(password))
        yield from _behind_the_question_mark(parts.query)


def _behind_the_question_mark(query: str) -> Iterator[str]:
    """Where Redis's client takes one too."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if unquote_plus(name).endswith("password"):
            yield from (value, unquote_plus(value))
