"""The description, looked at operation by operation, and held against what is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from recovery.api.description.document import whole

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Described:
    path: str
    method: str
    told: dict[str, Any]

    def __str__(self) -> str:
        return str(self.told["operationId"])

    @property
    def answers(self) -> dict[str, dict[str, Any]]:
        return {status: followed(answer) for status, answer in self.told["responses"].items()}


def operations(section: str = "paths") -> list[Described]:
    return [
        Described(path, method, told)
        for path, item in whole()[section].items()
        for method, told in item.items()
    ]


def contents(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from told.get("content", {}).items()


def followed(told: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in told:
        return told
    found: Any = whole()
    for name in told["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def faults(schema: dict[str, Any], example: Any) -> list[str]:
    """What in `example` is not as `schema` says, in words."""
    rooted = {**schema, "components": whole()["components"]}
    validator = Draft202012Validator(rooted, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example)]
