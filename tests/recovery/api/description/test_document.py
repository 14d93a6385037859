"""The OpenAPI document says all of every operation, and docs/openapi.yaml says the same."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from recover_project.urls import PUBLIC_PREFIX
from recovery.api.description.document import whole
from recovery.api.description.files import examples
from recovery.api.description.views import as_yaml
from tests.recovery.api.description.schemas import Described, contents, faults, operations

KEPT = Path(__file__).parents[4] / "docs" / "openapi.yaml"
# These are for people, for mail programs and for machines that watch us.
NO_API = {"docs", "logo", "update", "unsubscribe", "mail"}
OPERATIONS = operations()
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def test_the_file_in_the_repository_is_what_the_code_says() -> None:
    assert KEPT.read_bytes() == as_yaml(), (
        "docs/openapi.yaml is older than the code. Write it anew and read the difference: "
        ".venv/bin/python manage.py spectacular --file docs/openapi.yaml"
    )


def test_the_document_is_openapi_and_nothing_in_it_was_guessed() -> None:
    GENERATOR_STATS.reset()
    whole.cache_clear()

    document = whole()

    assert document["openapi"] == "3.1.1"
    validate_schema(document)  # type: ignore[no-untyped-call]
    assert not GENERATOR_STATS


def test_every_address_of_the_api_is_in_it() -> None:
    addresses = set()
    for pattern in get_resolver().url_patterns:
        for route in getattr(pattern, "url_patterns", []):
            address = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(route.pattern))
            if str(pattern.pattern) == PUBLIC_PREFIX and address.split("/")[0] not in NO_API:
                addresses.add(f"/{PUBLIC_PREFIX}{address}")

    assert set(whole()["paths"]) == addresses


def test_operations_have_names_of_their_own() -> None:
    names = [str(operation) for operation in OPERATIONS]

    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []
    assert set(examples()) <= set(names)


@every_operation
def test_an_operation_says_what_it_does_and_who_may_ask(operation: Described) -> None:
    told = operation.told
    known = {tag["name"] for tag in whole()["tags"]}

    assert re.fullmatch(r"[A-Z].*[^.]", told["summary"])
    assert told["description"].endswith(".")
    assert set(told["tags"]) < known
    schemes = {scheme for option in told.get("security", []) for scheme in option}
    assert schemes <= set(whole()["components"]["securitySchemes"])
    assert not schemes or "401" in operation.answers or schemes == {"StripeSignature"}


@every_operation
def test_an_operation_tells_each_answer_with_an_example(operation: Described) -> None:
    answers = operation.answers

    assert any(status.startswith("2") for status in answers)
    missing = [
        f"{status} {type_}"
        for status, answer in answers.items()
        for type_, content in contents(answer)
        if "example" not in content
    ]
    wrong = [
        fault
        for answer in answers.values()
        for _type, content in contents(answer)
        for fault in faults(content["schema"], content.get("example"))
    ]
    assert missing == wrong == []
    assert all(answer["description"].endswith(".") for answer in answers.values())


@every_operation
def test_an_operation_shows_what_to_send(operation: Described) -> None:
    for _type, content in contents(operation.told.get("requestBody", {})):
        assert faults(content["schema"], content["example"]) == []
    for parameter in operation.told.get("parameters", []):
        if parameter["in"] == "path" or parameter.get("required"):
            assert "example" in parameter, parameter["name"]
        if "example" in parameter:
            assert faults(parameter["schema"], parameter["example"]) == []
        assert parameter.get("description"), parameter["name"]


@every_operation
def test_a_refusal_has_the_one_shape(operation: Described) -> None:
    shapes = [
        content["schema"]
        for status, answer in operation.answers.items()
        if not status.startswith("2")
        for _type, content in contents(answer)
    ]

    assert shapes == [{"$ref": "#/components/schemas/Error"}] * len(shapes)


@every_operation
def test_an_operation_may_be_refused_as_what_it_takes_may_be(operation: Described) -> None:
    answers, told = set(operation.answers), operation.told
    if operation.path.endswith("/webhook"):
        assert answers == {"200", "400", "413", "503"}
        return

    in_ = {parameter["in"] for parameter in told.get("parameters", [])}
    assert "429" in answers
    assert ("404" in answers) == ("path" in in_)
    may_have_body = "requestBody" in told or operation.method == "post"
    assert ("415" in answers) == ("413" in answers) == may_have_body
    has_choice = len(told.get("security", [])) > 1
    assert ("400" in answers) == bool("requestBody" in told or in_ or has_choice)
    assert ("422" in answers) == (operation.method == "post" and "403" in answers)


def test_a_schema_says_what_each_of_its_fields_is() -> None:
    schemas: dict[str, Any] = whole()["components"]["schemas"]

    assert [name for name, schema in schemas.items() if not schema.get("type")] == []
    loose = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, told in schema["properties"].items()
        if not {"type", "$ref", "allOf", "oneOf", "enum"} & set(told)
    ]
    assert loose == []


@pytest.mark.parametrize("name", ["FiguresAnswer", "MoneyFigures", "StripesMoney", "Stages"])
def test_each_figure_says_what_it_means(name: str) -> None:
    figures = whole()["components"]["schemas"][name]["properties"]

    assert [field for field, told in figures.items() if not told.get("description")] == []
