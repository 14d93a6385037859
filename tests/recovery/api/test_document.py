"""docs/api.md: each of its examples runs, and is answered as it says."""

import json
import re
import shlex
from pathlib import Path
from string import Template
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import Merchant
from tests.local_stripe import LocalStripe
from tests.recovery.api.asking import API, bearer
from tests.recovery.stories import failed_renewal, new_card

pytestmark = pytest.mark.django_db(transaction=True)
DOCUMENT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"```sh\n(curl .*?)\n```(?:\n\n```json\n(.*?)\n```)?", DOCUMENT, re.DOTALL)


def run(command: str, facts: dict[str, str]) -> Any:
    """What curl would do."""
    words = [Template(word).substitute(facts) for word in shlex.split(command)][1:]
    method, headers, body, url = "GET", {}, "", ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _colon, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
        else:
            url = word
    type_ = headers.pop("Content-Type", "application/json")
    return Client().generic(method, url, body, content_type=type_, headers=headers)


def shape(value: Any) -> Any:
    """The names in an answer, of a list those in its first entry."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value[:1]] if isinstance(value, list) else None


def holds(documented: Any, real: Any) -> bool:
    if isinstance(documented, dict):
        return isinstance(real, dict) and all(
            name in real and holds(inner, real[name]) for name, inner in documented.items()
        )
    if isinstance(documented, list):
        return isinstance(real, list) and all(map(holds, documented, real))
    return real is None


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == DOCUMENT.count("curl ") == 8


@pytest.mark.parametrize(("command", "answer"), EXAMPLES, ids=lambda text: text[-40:])
def test_an_example_runs_and_is_answered_as_documented(
    local_stripe: LocalStripe, merchant: Merchant, command: str, answer: str
) -> None:
    debt = failed_renewal(local_stripe, merchant)
    new_card(local_stripe, debt)
    facts = {
        "API": API.rstrip("/"), "EVENT": debt.public_id,
        "API_KEY": bearer(merchant)["Authorization"].removeprefix("Bearer "),
        "INTERNAL_KEY": credentials.new_internal_key(merchant=merchant, now=timezone.now()),
    }  # fmt: skip

    response = run(command, facts)

    assert response.status_code == 200, response.content
    if answer:
        assert holds(shape(json.loads(answer)), shape(response.json()))


def test_the_documented_event_has_every_field(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    failed_renewal(local_stripe, merchant)
    (documented,) = json.loads(EXAMPLES[0][1])["data"]
    (real,) = Client().get(f"{API}events", headers=bearer(merchant)).json()["data"]

    assert list(documented) == list(real)


def test_the_documented_error_is_what_is_answered(merchant: Merchant) -> None:
    (documented,) = re.findall(r'```json\n({"error".*?)\n```', DOCUMENT, re.DOTALL)
    real = Client().get(f"{API}events", {"limit": 101}, headers=bearer(merchant)).json()

    assert json.loads(documented) == real
