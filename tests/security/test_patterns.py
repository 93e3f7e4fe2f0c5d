"""No pattern takes longer than its text: every regular expression of the product, held against what would be worst."""

import ast
import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from re import _constants as code  # type: ignore[attr-defined]  # where the language keeps what it makes of a pattern
from re import _parser as parser  # type: ignore[attr-defined]
from time import process_time
from typing import Any

import pytest

from conftest import ROOT

FOLDERS = ("service/parkingspots", "lifecycle-cronjob/parkingspots_lifecycle", "operator/parkingspots_operator")
OUR_OWN = {"summaries.py"}
"""Whose patterns read the product's own SQL, in which nothing of a client stands."""
CALLS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
REPEATS = {code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT}
MANY = 100
"""Repetitions from which on a pattern counts as one without a bound."""
SHORT, LONG = 1_000, 8_000
"""Characters. Eight times as many take eight times as long; 64 times, where each is looked at again for each other."""
AT_MOST = 24.0
UNMEASURABLE = 0.001
"""Seconds of the processor; what takes less may as well be the clock."""


def patterns() -> Iterator[tuple[str, str | bytes]]:
    """Each with its place. One that is put together as the product runs is none of a client's."""
    for file in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        if file.name in OUR_OWN:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and (found := written(node)) is not None:
                yield f"{file.relative_to(ROOT)}:{node.lineno}", found


def written(call: ast.Call) -> str | bytes | None:
    """The pattern of a call that has one."""
    is_of_re = isinstance(call.func, ast.Attribute) and call.func.attr in CALLS and ast.unparse(call.func.value) == "re"
    values = [call.args[0]] if is_of_re else [word.value for word in call.keywords if word.arg == "pattern"]
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str | bytes):
            return value.value
    return None


FOUND = dict(patterns())
every_pattern = pytest.mark.parametrize("place", FOUND)


def parts(operator: Any, argument: Any) -> list[Any]:
    """The patterns that a part of a parsed pattern is made of."""
    if operator in REPEATS:
        return [argument[2]]
    if operator is code.SUBPATTERN:
        return [argument[-1]]
    if operator in {code.ASSERT, code.ASSERT_NOT}:
        return [argument[1]]
    if operator is code.BRANCH:
        return list(argument[1])
    return [argument] if operator is code.IN else []


def unbounded(tree: Any) -> Iterator[Any]:
    """The parts of a parsed pattern that may be repeated without a bound."""
    for operator, argument in tree:
        if operator in REPEATS and (argument[1] is code.MAXREPEAT or argument[1] > MANY):
            yield argument[2]
        for part in parts(operator, argument):
            yield from unbounded(part)


def has_unbounded_in_unbounded(pattern: str | bytes) -> bool:
    return any(any(True for _ in unbounded(inner)) for inner in unbounded(parser.parse(pattern)))


@pytest.mark.parametrize("pattern", ["(a+)+", "(?:a*b?)*", r"(\w+\s?)*x", "((a|b)*c)+", "(a{1,500})*"])
def test_a_pattern_that_repeats_a_repetition_would_be_found(pattern: str) -> None:
    assert has_unbounded_in_unbounded(pattern)


def test_the_patterns_that_read_what_clients_send_are_among_those_found() -> None:
    files = {Path(place.partition(":")[0]).name for place in FOUND}
    assert files >= {
        "wire.py",
        "asked.py",
        "requests.py",
        "idempotency.py",
        "conditional.py",
        "clients.py",
        "settings.py",
    }


@every_pattern
def test_no_pattern_repeats_a_repetition(place: str) -> None:
    assert not has_unbounded_in_unbounded(FOUND[place])


def letters(tree: Any) -> Iterator[str]:
    """What a pattern is made of, a letter or two of each part."""
    for operator, argument in tree:
        if operator is code.LITERAL:
            yield chr(argument)
        elif operator is code.RANGE:
            yield from map(chr, argument)
        elif operator is code.CATEGORY:
            yield from "0a _"
        for part in parts(operator, argument):
            yield from letters(part)


def worst(pattern: str | bytes, size: int) -> Iterator[str]:
    """Texts that nearly fit, again and again."""
    known = "".join(dict.fromkeys(letters(parser.parse(pattern))))[:24]
    for piece in {*known, known, known[::-1], *map("".join, permutations(known[:4], 2))}:
        yield piece * (size // len(piece)) + "\x00"


def seconds(pattern: str | bytes, size: int) -> float:
    compiled: Any = re.compile(pattern)
    texts = [text.encode("utf-8", "replace") if isinstance(pattern, bytes) else text for text in worst(pattern, size)]
    began = process_time()
    for text in texts:
        compiled.search(text)
        compiled.fullmatch(text)
    return process_time() - began


@every_pattern
def test_a_pattern_takes_as_long_as_its_text_and_no_longer(place: str) -> None:
    pattern = FOUND[place]
    tries = ((seconds(pattern, LONG), seconds(pattern, SHORT)) for _ in range(3))  # a process may be held up
    assert any((long + UNMEASURABLE) / (short + UNMEASURABLE) < AT_MOST for long, short in tries)


def test_a_pattern_that_took_longer_would_be_noticed() -> None:
    assert seconds(r"\d+x", LONG) + UNMEASURABLE > AT_MOST * (seconds(r"\d+x", SHORT) + UNMEASURABLE)
