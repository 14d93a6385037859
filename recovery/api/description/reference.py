"""The OpenAPI document as a page shows it: operations by tag, with all references followed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recovery.api.description.calls import curl

Json = Mapping[str, Any]
METHODS = ("get", "post", "patch", "delete")
LIMITS: Mapping[str, str] = {
    "minimum": "from {}",
    "maximum": "to {}",
    "minLength": "not empty",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "default": "{} if left out",
    "const": "always {}",
}


@dataclass(frozen=True, slots=True)
class Field:
    """`kind` in words ("string or null"), `limits` in words, `children` of an object or list."""

    name: str
    kind: str
    is_required: bool
    about: str
    choices: tuple[str, ...]
    limits: tuple[str, ...]
    children: tuple["Field", ...]


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    about: str
    example: str
    fields: tuple[Field, ...]
    is_success: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """`call` is a command to try it with; messages that we send have none."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Answer, ...]
    call: str
    message: str

    @property
    def successes(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.is_success]

    @property
    def refusals(self) -> list[Answer]:
        return [answer for answer in self.answers if not answer.is_success]


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    anchor: str
    about: str
    operations: tuple[Operation, ...]


def tags(document: Json, *, base_url: str) -> list[Tag]:
    """In the document's order; tags without operations are left out."""
    found = (
        Tag(
            tag["name"], tag["name"].lower(), tag["description"],
            tuple(_operations(document, tag["name"], base_url)),
        )
        for tag in document["tags"]
    )  # fmt: skip
    return [tag for tag in found if tag.operations]


def _operations(document: Json, tag: str, base_url: str) -> Iterator[Operation]:
    for section in ("paths", "webhooks"):
        for path, item in document[section].items():
            for method in METHODS:
                told = item.get(method, {})
                if tag in told.get("tags", []):
                    call = curl(path, method, told, base_url=base_url)
                    yield _operation(
                        document, path, method, told, call=call if section == "paths" else ""
                    )


def _operation(document: Json, path: str, method: str, told: Json, *, call: str) -> Operation:
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        about=told.get("description", ""),
        parameters=tuple(_parameter(document, one) for one in told.get("parameters", [])),
        body=_children(document, content.get("schema", {})),
        answers=tuple(
            _answer(document, status, answer) for status, answer in told["responses"].items()
        ),
        call=call,
        message="" if call else _pretty(content["example"]),
    )


def _answer(document: Json, status: str, answer: Json) -> Answer:
    answer = _followed(document, answer)
    content = answer.get("content", {}).get("application/json", {})
    return Answer(
        status=status,
        about=answer["description"],
        example=_pretty(content["example"]) if "example" in content else "",
        fields=_children(document, content.get("schema", {})),
        is_success=status.startswith("2"),
    )


def _parameter(document: Json, told: Json) -> Field:
    is_required = told.get("required", False)
    field = _field(document, told["name"], told["schema"], is_required=is_required)
    where = {"header": "Header.", "query": "", "path": ""}[told["in"]]
    about = " ".join(part for part in (where, told.get("description", "")) if part)
    return Field(field.name, field.kind, is_required, about, field.choices, field.limits, ())


def _field(document: Json, name: str, schema: Json, *, is_required: bool) -> Field:
    about = schema.get("description", "")
    schema = _followed(document, schema)
    items = _followed(document, schema.get("items", {}))
    choices = [str(one) for one in schema.get("enum") or items.get("enum", []) if one is not None]
    return Field(
        name=name,
        kind=_kind(document, schema),
        is_required=is_required,
        about=about or schema.get("description", ""),
        choices=tuple(choices),
        limits=tuple(_limits(schema)),
        children=_children(document, schema),
    )


def _children(document: Json, schema: Json) -> tuple[Field, ...]:
    schema = _followed(document, schema)
    if "items" in schema:
        return _children(document, schema["items"])
    required = schema.get("required", [])
    return tuple(
        _field(document, name, told, is_required=name in required)
        for name, told in schema.get("properties", {}).items()
    )


def _followed(document: Json, told: Json) -> Json:
    """What a `$ref` (or the only part of an `allOf`) leads to, under what is said beside it."""
    if "allOf" in told and len(told["allOf"]) == 1:
        beside = {name: value for name, value in told.items() if name != "allOf"}
        return {**_followed(document, told["allOf"][0]), **beside}
    if "oneOf" in told or "anyOf" in told:
        first, *_ = told.get("oneOf") or told["anyOf"]
        return {**_followed(document, first), **told}
    if "$ref" not in told:
        return told
    found: Any = document
    for name in told["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    beside = {name: value for name, value in told.items() if name != "$ref"}
    return {**_followed(document, found), **beside}


def _kind(document: Json, schema: Json) -> str:
    types = schema.get("type", "")
    names = [types] if isinstance(types, str) else list(types)
    if schema.get("format") == "date-time":
        names[0] = "time"
    elif schema.get("format") == "date":
        names[0] = "day"
    elif names[0] == "array":
        names[0] = f"list of {_kind(document, _followed(document, schema['items']))}s"
    elif names[0] == "object" and isinstance(schema.get("additionalProperties"), dict):
        names[0] = "map"
    return " or ".join(names)


def _limits(schema: Json) -> Iterator[str]:
    for name, words in LIMITS.items():
        if name in schema:
            value = schema[name]
            yield words.format(value if isinstance(value, int) else json.dumps(value))


def _pretty(example: Any) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)
