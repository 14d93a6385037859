"""GET schema and GET docs: for anybody, in the form that is asked for."""

import json
import re

import pytest
import yaml
from django.test import Client

from recovery.api.description.document import whole
from recovery.api.description.guides import guides
from tests.recovery.api.description.schemas import operations

SCHEMA, DOCS = "/fourthngoal/recover/schema", "/fourthngoal/recover/docs"


@pytest.mark.parametrize(
    ("query", "accept", "type_"),
    [
        ("", "*/*", "application/json"),
        ("", "application/yaml", "application/yaml"),
        ("", "application/vnd.oai.openapi, application/yaml;q=0.9", "application/yaml"),
        ("?format=yaml", "application/json", "application/yaml"),
        ("?format=json", "application/yaml", "application/json"),
    ],
)
def test_the_description_is_json_or_yaml_as_asked(query: str, accept: str, type_: str) -> None:
    response = Client().get(SCHEMA + query, headers={"Accept": accept})

    assert (response.status_code, response["Content-Type"]) == (200, type_)
    text = response.content.decode()
    read = json.loads(text) if type_.endswith("json") else yaml.safe_load(text)
    assert read == json.loads(json.dumps(whole()))


def test_another_form_is_a_400_that_names_the_parameter() -> None:
    response = Client().get(f"{SCHEMA}?format=xml")

    assert response.status_code == 400
    assert set(response.json()["error"]["fields"]) == {"format"}


def test_the_page_has_every_guide_and_every_operation() -> None:
    page = Client().get(DOCS).content.decode()

    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for operation in [*operations(), *operations("webhooks")]:
        assert str(operation) in ids
        assert f'href="#{operation}"' in page
    for guide in guides():
        assert guide.anchor in ids
    assert [link for link in re.findall(r'href="#([^"]+)"', page) if link not in ids] == []


def test_the_page_runs_nothing_and_asks_no_other_host_for_anything() -> None:
    response = Client().get(DOCS)

    page = response.content.decode()
    assert not re.search(r"<(script|img|iframe|video)|\bsrc=|@import|url\(", page)
    assert re.findall(r"<link[^>]*href=\"([^\"]*)\"", page) == ["data:,"]
    assert f"'nonce-{response.wsgi_request.csp_nonce}'" in response["Content-Security-Policy"]  # type: ignore[attr-defined]
    assert response["Cache-Control"] == "no-store"


def test_a_page_is_only_read() -> None:
    assert Client().post(DOCS).status_code == 405
    assert Client().post(SCHEMA).status_code == 405
