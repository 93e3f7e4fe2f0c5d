"""A statement in a few words, such as `INSERT bookings SELECT spots`: what it does, and to which tables; no value."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest

WORDS = re.compile(
    r"""'(?:[^']|'')*' | --[^\n]* | /\*.*?\*/ | "(?P<quoted>[^"]+)"
    | (?P<word>[A-Za-z_][\w$]*(?:\.[\w$"]+)*) | [^\s\w]""",
    re.VERBOSE | re.DOTALL,
)
VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
BEFORE_A_TABLE = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "USING"})
NO_VERB_AFTER = frozenset({"FOR", "KEY", "DO", "ON", "DISTINCT"})
"""FOR UPDATE, FOR NO KEY UPDATE, DO UPDATE, ON DELETE and IS DISTINCT FROM name no table of their own."""
NO_TABLE = frozenset({"LATERAL", "ONLY", "SELECT", "SET", "UNNEST", "VALUES"})
WITH_A_FROM_OF_THEIR_OWN = frozenset({"EXTRACT", "SUBSTRING", "TRIM", "OVERLAY"})
MOST = 6
"""Tables that are named."""


@lru_cache(maxsize=1_024)
def summary(query: str) -> str:
    """A statement is seen again and again: its text is the same whatever its values are."""
    words = list(_words(query))
    own = _names_of_its_own(words)
    verb, told, said = _first(words), "", list[str]()
    named: set[tuple[str, str]] = set()
    within, before, introduces = [False], "", ""
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        upper = word.upper()
        if introduces and _is_a_table(word, after, introduces) and word not in own and (verb, word) not in named:
            if len(named) < MOST:
                said += [word] if told == verb else [verb, word]
                told = verb
            named.add((verb, word))
        if word == "(":
            within.append(before in WITH_A_FROM_OF_THEIR_OWN)
        elif word == ")" and len(within) > 1:
            within.pop()
        elif upper in VERBS and before not in NO_VERB_AFTER:
            verb = upper
        introduces = upper if upper in BEFORE_A_TABLE and before not in NO_VERB_AFTER and not within[-1] else ""
        before = upper
    return " ".join(said) or verb


def _words(query: str) -> Iterator[str]:
    for found in WORDS.finditer(query):
        if found["quoted"] or found["word"]:
            yield found["quoted"] or found["word"]
        elif found[0] in "(),":
            yield found[0]


def _names_of_its_own(words: list[str]) -> set[str]:
    """Those that WITH gives: `name AS (`, `name AS MATERIALIZED (`."""
    text = " ".join(words)
    return set(re.findall(r"(\w+)(?: \([\w ,]*\))? AS (?:NOT )?(?:MATERIALIZED )?\(", text, re.IGNORECASE))


def _is_a_table(word: str, after: str, introduced_by: str) -> bool:
    is_a_call = after == "(" and introduced_by != "INTO"
    return not is_a_call and word.isidentifier() and word.upper() not in NO_TABLE


def _first(words: list[str]) -> str:
    """What a statement does that is none of the usual, such as COMMIT; SQL, where it says nothing at all."""
    return next((word.upper() for word in words if word.isidentifier()), "SQL")
