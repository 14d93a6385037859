"""Each operation as a command."""

from typing import Any

import pytest

from recovery.api.description.calls import curl

BASE = "https://recover.example.com"
BODY = {"content": {"application/json": {"example": {"note": "it's"}}}}


def parameter(in_: str, name: str, example: object) -> dict[str, Any]:
    return {"in": in_, "name": name, "example": example}


@pytest.mark.parametrize(
    ("method", "operation", "expected"),
    [
        ("get", {}, f"curl {BASE}/a"),
        ("delete", {}, f"curl -X DELETE {BASE}/a"),
        ("post", {}, f"curl -X POST {BASE}/a"),
        (
            "get",
            {"security": [{"Bearer": []}], "parameters": [parameter("query", "of", "a b"),
                                                          {"in": "query", "name": "none"}]},
            f"curl '{BASE}/a?of=a+b' \\\n  -H \"Authorization: Bearer $RECOVER_API_KEY\"",
        ),
        (
            "post",
            {"security": [{"InternalKey": []}], "requestBody": BODY,
             "parameters": [parameter("header", "Idempotency-Key", "k")]},
            (f'curl {BASE}/a \\\n  -H "X-Internal-Key: $RECOVER_INTERNAL_KEY" \\\n'
            '  -H "Idempotency-Key: k" \\\n  -H "Content-Type: application/json" \\\n'
            "  -d '{\n  \"note\": \"it'\"'\"'s\"\n}'"),
        ),
    ],
)  # fmt: skip
def test_a_command_can_be_tried_as_it_stands(
    method: str, operation: dict[str, Any], expected: str
) -> None:
    assert curl("/a", method, operation, base_url=BASE) == expected


def test_the_examples_ids_stand_in_the_address() -> None:
    operation = {"parameters": [parameter("path", "id", "whr_1")]}

    assert curl("/a/{id}/b", "get", operation, base_url=BASE) == f"curl {BASE}/a/whr_1/b"
