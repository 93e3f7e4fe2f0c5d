"""The texts of letters to users: letters/<language>/<name>.txt, of which the first line is the subject."""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from parkingspots.kit.mail import Letter

if TYPE_CHECKING:
    from jinja2 import Environment


class Language(StrEnum):
    ENGLISH = "en"
    GREEK = "el"


def preferred(accept_language: str) -> Language:
    """The language that an Accept-Language header (RFC 9110, 12.5.4) asks for first; English where it asks for none."""
    best, highest = Language.ENGLISH, 0.0
    for choice in accept_language.lower().split(","):
        tag, _, weight = choice.partition(";")
        code = tag.strip().partition("-")[0]
        if code in set(Language) and (quality := _quality(weight)) > highest:
            best, highest = Language(code), quality
    return best


def _quality(weight: str) -> float:
    """1 where none is given, 0 where it is no number from 0 to 1."""
    name, _, value = weight.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


def letter(name: str, language: Language, to: str, **facts: str | int) -> Letter:
    """The letter of that name, with `facts` in their places."""
    subject, _, text = _texts().get_template(f"{language}/{name}.txt").render(facts).partition("\n")
    return Letter(to, subject, text.lstrip("\n") + "\n")


@cache
def _texts() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # here: most processes write no letter for long

    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("letters")),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text
    )
