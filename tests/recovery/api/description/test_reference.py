"""The description as a page shows it."""

from typing import Any

import pytest

from recovery.api.description.reference import Field, tags

REF = "#/components/schemas/Thing"
THING = {
    "type": "object",
    "description": "A thing.",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "kind": {"enum": ["a", "b", None], "type": ["string", "null"]},
        "kinds": {"type": "array", "items": {"type": "string", "enum": ["a"]}, "minItems": 1},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        "any": {"type": "object", "additionalProperties": {}},
    },
}


def document(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": [
            {"name": "Things", "description": "All of them."},
            {"name": "Empty", "description": "None."},
        ],
        "components": {
            "schemas": {"Thing": THING, "Body": {"type": "object", "properties": properties}},
            "responses": {"404": {"description": "None such."}},
        },
        "paths": {
            "/things": {
                "post": {
                    "operationId": "make_thing",
                    "summary": "Make a thing",
                    "tags": ["Things"],
                    "security": [{"Bearer": []}],
                    "parameters": [
                        {
                            "in": "query", "name": "limit", "description": "How many.",
                            "schema": {"type": "integer", "minimum": 1, "default": 20},
                        },
                        {"in": "header", "name": "Key", "schema": {"type": "string"}},
                    ],
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Body"}, "example": {},
                            }
                        }
                    },
                    "responses": {
                        "201": {
                            "description": "Made.",
                            "content": {
                                "application/json": {
                                    "schema": {"$ref": REF}, "example": {"id": "é"},
                                }
                            },
                        },
                        "404": {"$ref": "#/components/responses/404"},
                    },
                }
            }
        },
        "webhooks": {
            "thing.made": {
                "post": {
                    "operationId": "thing_made",
                    "summary": "It was made",
                    "tags": ["Things"],
                    "requestBody": {
                        "content": {"application/json": {"schema": {}, "example": {"a": 1}}}
                    },
                    "responses": {"2XX": {"description": "You have it."}},
                }
            }
        },
    }  # fmt: skip


def field(told: dict[str, Any]) -> Field:
    """A body's only field."""
    [tag] = tags(document({"it": told}), base_url="https://x.org")
    [found] = tag.operations[0].body
    return found


def test_operations_stand_under_their_tags_and_messages_after_them() -> None:
    [tag] = tags(document({}), base_url="https://x.org")

    made, message = tag.operations
    assert (tag.name, tag.anchor, tag.about) == ("Things", "things", "All of them.")
    assert (made.method, made.path, made.about) == ("POST", "/things", "")
    assert made.call.startswith("curl https://x.org/things")
    assert (message.call, message.message) == ("", '{\n  "a": 1\n}')
    [success], [refusal] = made.successes, made.refusals
    assert (success.status, success.example) == ("201", '{\n  "id": "é"\n}')
    assert (refusal.status, refusal.about, refusal.example) == ("404", "None such.", "")


def test_parameters_say_where_they_stand_and_what_they_may_be() -> None:
    [tag] = tags(document({}), base_url="https://x.org")

    limit, key = tag.operations[0].parameters
    assert (limit.name, limit.kind, limit.about) == ("limit", "integer", "How many.")
    assert limit.limits == ("from 1", "20 if left out")
    assert (key.about, key.is_required) == ("Header.", False)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["integer", "null"]}, "integer or null"),
        ({"type": "string", "format": "date"}, "day"),
        ({"type": ["string", "null"], "format": "date-time"}, "time or null"),
        ({"type": "array", "items": {"type": "string"}}, "list of strings"),
        ({"type": "array", "items": {"$ref": REF}}, "list of objects"),
        ({"type": "object", "additionalProperties": {}}, "map"),
        ({"type": "object"}, "object"),
        ({"oneOf": [{"$ref": REF}, {"type": "null"}]}, "object"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string"),
        ({}, ""),
    ],
)
def test_the_kind_of_a_field_is_said_in_words(told: dict[str, Any], kind: str) -> None:
    assert field(told).kind == kind


def test_what_is_said_beside_a_reference_stands_before_what_it_leads_to() -> None:
    plain, own = field({"$ref": REF}), field({"$ref": REF, "description": "Mine."})
    all_of = field({"allOf": [{"$ref": REF}], "description": "Mine."})

    assert (plain.about, own.about, all_of.about) == ("A thing.", "Mine.", "Mine.")
    names = [child.name for child in plain.children]
    assert names == ["id", "at", "day", "kind", "kinds", "map", "any"]
    assert [child.is_required for child in plain.children][:2] == [True, False]
    assert plain.children == own.children == all_of.children


def test_choices_and_limits_are_listed() -> None:
    found = {child.name: child for child in field({"$ref": REF}).children}

    assert (found["kind"].choices, found["kinds"].choices) == (("a", "b"), ("a",))
    assert found["kinds"].limits == ("at least 1",)
    assert field({"type": "string", "const": "x"}).limits == ('always "x"',)
