"""What pydantic says of a wrong value, in the voice of the rest."""

from collections.abc import Mapping
from typing import Any

PLAINLY = {
    "model_attributes_type": "must be a JSON object",
    "extra_forbidden": "is not known here",
    "missing": "is required",
    "uuid_parsing": "must be an id: a UUID such as 0198c0de-7a10-7000-8000-000000000001",
    "uuid_type": "must be an id: a UUID such as 0198c0de-7a10-7000-8000-000000000001",
    "string_type": "must be text",
    "string_pattern_mismatch": "must have the form {pattern}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list",
}


def sentence(error: Mapping[str, Any]) -> str:
    """Of one of a ValidationError's `errors()`. Pydantic counts "items" in a text that was first stripped or looked at.

    Where it does not say what it was given (`include_input=False`), a text is taken for one.
    """
    context = error.get("ctx", {})
    if isinstance(error.get("input", ""), str) and error["type"] == "too_short":
        least = context["min_length"]
        return "must not be empty" if least == 1 else f"must have at least {least} characters"
    if isinstance(error.get("input", ""), str) and error["type"] == "too_long":
        return f"must have at most {context['max_length']} characters"
    plain = PLAINLY.get(error["type"])
    return plain.format_map(context) if plain is not None else str(error["msg"]).removeprefix("Value error, ")
