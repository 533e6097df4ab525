"""What the scripted model says: prepared profiles of the samples, cut to the schema asked for.

Nothing here understands a text. A sample is recognised by a phrase that stands in it alone; any
other document gets the emptiest answer that its schema allows.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from app.demo.samples import SAMPLES

ANSWERS = Path(__file__).with_name("answers.json")
"""File name of a sample → profile; contacts as the placeholders that masking leaves."""

_PLACEHOLDER = re.compile(r"\[(?:EMAIL|PHONE|LINK)_\d+\]")
_GRAM_CHARS = 3
_EMPTIEST: Mapping[str, object] = {"boolean": False, "null": None}


@cache
def _profiles() -> Mapping[str, Mapping[str, object]]:
    return json.loads(ANSWERS.read_text(encoding="utf-8"))


def load_answers() -> None:
    """Read the prepared answers. Blocks on the disk: inside a loop, call it in a thread."""
    _profiles()


def scripted_answer(text: str, schema: Mapping[str, Any] | None) -> str:
    """Answer a prompt with JSON of `schema`, or with the whole prepared profile."""
    files = [sample.file for sample in SAMPLES if sample.phrase and sample.phrase in text]
    known = _only_placeholders_of(text, _profiles()[files[0]]) if files else {}
    answer = known if schema is None else conform(known, schema, schema)
    return json.dumps(answer, ensure_ascii=False)


def wrong_shape(schema: Mapping[str, Any] | None) -> str:
    """JSON that violates the schema: every property has a type of its own invention."""
    properties = cast("Mapping[str, object]", (schema or {}).get("properties", {}))
    return json.dumps({name: {"unexpected": [True]} for name in properties or ["answer"]})


def conform(value: object, schema: Mapping[str, Any], root: Mapping[str, Any]) -> object:
    """Cut a value to a JSON Schema: what it does not know is left out, what is missing is empty."""
    if "$ref" in schema:
        schema = _resolved(str(schema["$ref"]), root)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return conform(value, _option(value, options, root), root)
    match schema.get("type"):
        case "object" if "properties" in schema:
            return _object(value, schema, root)
        case "object":
            return _fields(value)
        case "array":
            items = cast("list[object]", value if isinstance(value, list) else [])
            kept = items[: schema.get("maxItems", len(items))]
            return [conform(item, schema.get("items", {}), root) for item in kept]
        case "string":
            return _string(value, schema)
        case "integer" | "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return value if is_number else schema.get("minimum", 0)
        case str(other):
            return value if other == _type(value) else _EMPTIEST[other]
        case _:
            return value


def vector(text: str, dimensions: int) -> list[float]:
    """Make a unit vector that depends on the text alone: texts that share letters lie near.

    Signed hashing of character 3-grams (Weinberger et al. 2009, arXiv 0902.2206).
    """
    padded = f"  {text.casefold()} "
    total = np.zeros(dimensions)
    for start in range(len(padded) - _GRAM_CHARS + 1):
        gram = padded[start : start + _GRAM_CHARS].encode()
        number = int.from_bytes(hashlib.blake2b(gram, digest_size=8).digest(), "big")
        total[number % dimensions] += 1 if number >> 63 else -1
    length = float(np.linalg.norm(total))
    if length == 0:  # grams may cancel out
        total[0] = length = 1
    return cast("list[float]", (total / length).tolist())


def _only_placeholders_of(text: str, profile: Mapping[str, object]) -> dict[str, object]:
    present = set(_PLACEHOLDER.findall(text))

    def kept(value: object) -> object:
        if not isinstance(value, list):
            return value
        items = cast("list[object]", value)
        return [item for item in items if not _is_placeholder(item) or item in present]

    return {key: kept(value) for key, value in profile.items()}


def _is_placeholder(item: object) -> bool:
    return isinstance(item, str) and _PLACEHOLDER.fullmatch(item) is not None


def _object(value: object, schema: Mapping[str, Any], root: Mapping[str, Any]) -> object:
    known = _fields(value)
    required = schema.get("required", [])
    return {
        name: conform(known.get(name), inner, root)
        for name, inner in schema["properties"].items()
        if name in known or name in required
    }


def _fields(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value if isinstance(value, Mapping) else {})


def _string(value: object, schema: Mapping[str, Any]) -> str:
    if options := schema.get("enum"):
        return str(value if value in options else options[0])
    text = value if isinstance(value, str) else ""
    return text[: schema.get("maxLength", len(text))]


def _option(
    value: object, options: Sequence[Mapping[str, Any]], root: Mapping[str, Any]
) -> Mapping[str, Any]:
    for option in options:
        kind = _resolved(str(option["$ref"]), root) if "$ref" in option else option
        if kind.get("type") == _type(value):
            return kind
    return options[0]


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return cast("Mapping[str, Any]", found)


def _type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"
