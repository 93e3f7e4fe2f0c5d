"""What the API can do, as its checked-in OpenAPI document tells it: one operation after the other."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "docs" / "openapi.json").read_text())
NOWHERE = "0198c0de-7a10-7000-8000-000000000009"
"""An id that nothing has."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    described: dict[str, Any]

    def url(self, **parameters: str) -> str:
        """The path with `parameters` in their places; ids that nothing has in the others."""
        return re.sub(r"\{(\w+)\}", lambda found: parameters.get(found[1], NOWHERE), self.path)

    def parameters(self, where: str) -> list[str]:
        """The names of the parameters in `where`: path or query."""
        return [each["name"] for each in self.described.get("parameters", []) if each["in"] == where]

    @property
    def needs_token(self) -> bool:
        """Whether nobody may ask without one; some show more to who is signed in."""
        return {} not in self.described.get("security", [{}])

    @property
    def takes_body(self) -> bool:
        return "requestBody" in self.described

    @property
    def takes_form(self) -> bool:
        return self.takes_body and len(self.described["requestBody"]["content"]) > 1

    def body(self) -> dict[str, object]:
        """The example of a JSON body, in which every field is good."""
        schema = self.described["requestBody"]["content"]["application/json"]["schema"]
        return cast("dict[str, object]", examples(schema)[0])


def examples(schema: dict[str, Any]) -> list[Any]:
    """The examples of a schema, or of the first one that it stands for; none where it has none."""
    if "$ref" in schema:
        return examples(DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return examples(schema["anyOf"][0])
    if schema.get("type") == "array":
        return [[example] for example in examples(schema["items"])]
    return cast("list[Any]", schema.get("examples", []))


OPERATIONS = [
    Operation(described["operationId"], method.upper(), path, described)
    for path, item in DOCUMENT["paths"].items()
    for method, described in item.items()
]
