"""The live API, asked whatever its description allows and much that it doesn't."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django.live_server_helper import LiveServer
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
)

from recovery import credentials, webhook_registrations
from recovery.api.description.document import whole
from recovery.models import Membership, Merchant, RecoveryCase, Role, User
from recovery.signatures import sign
from tests.builders import DOCUMENTED_EXAMPLE, SECRET, make_merchant, receive
from tests.examples import examples
from tests.recovery.receivers import registered

pytestmark = [
    pytest.mark.no_cover,  # long, of lines that others run
    pytest.mark.django_db(transaction=True),
    pytest.mark.any_database,
    pytest.mark.filterwarnings("ignore::Warning"),  # of what the tool itself uses
]
API: Any = schemathesis.openapi.from_dict(dict(whole()))
OPERATIONS = {
    found.ok().definition.raw["operationId"]: found.ok() for found in API.get_all_operations()
}
JSON = "application/json"
EXAMPLES = examples(8)  # of each kind
bounded = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
# What is well formed may still be refused: a private address, another list's cursor. That wrong
# credentials are refused is looked at apart. Stripe and the dashboard may send what nobody reads.
EXCLUDED = [ignored_auth, positive_data_acceptance]
# No Stripe is connected that could be asked for a card, and the token is cut short.
REFUSED_HERE = {"retry_event": 409, "refresh_tokens": 401}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


class Signed(requests.auth.AuthBase):
    """Each body has Stripe's signature."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body: Any = request.body or b""
        signed = body if isinstance(body, bytes) else body.encode()
        now = int(timezone.now().timestamp())
        request.headers["Stripe-Signature"] = sign(body=signed, secret=SECRET, timestamp=now)
        return request


@pytest.fixture
def ids() -> dict[str, str]:
    """Something that there is of each kind, by the word that its address begins with."""
    merchant = make_merchant()
    user = User.objects.create_user("jo@example.com", "a long pass phrase of jo's")
    Membership.objects.create(user=user, merchant=merchant, role=Role.OWNER)
    receive(DOCUMENTED_EXAMPLE)
    registration = registered(merchant)
    delivery = webhook_registrations.send_test(registration=registration, now=timezone.now())
    return {
        "events": RecoveryCase.objects.get().public_id,
        "webhooks": registration.public_id,
        "deliveries": delivery.public_id,
    }


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


def keys(operation: Any) -> dict[str, str]:
    """The header with what opens this operation."""
    merchant, now = Merchant.objects.get(), timezone.now()
    [scheme] = [*next(iter(operation.definition.raw.get("security", [])), {}), ""][:1]
    if scheme == "InternalKey":
        return {"X-Internal-Key": credentials.new_internal_key(merchant=merchant, now=now)}
    if scheme == "Bearer":
        key = credentials.new_api_key(merchant=merchant, name="x", now=now)
        return {"Authorization": f"Bearer {key}"}
    return {}


def strategies(operation: Any, ids: dict[str, str]) -> list[Any]:
    """What is allowed and what isn't, of anything and of what there is."""
    made = [operation.as_strategy(mode) for mode in GenerationMode]
    if named := there(operation, ids):
        made += [operation.as_strategy(mode, path_parameters=named) for mode in GenerationMode]
    return made


def there(operation: Any, ids: dict[str, str]) -> dict[str, str]:
    """The path parameters of something that there is."""
    kind = operation.path.removeprefix("/fourthngoal/recover/").split("/")[0]
    return dict.fromkeys(re.findall(r"{(\w+)}", operation.path), ids.get(kind, ""))


@every_operation
def test_every_answer_is_one_that_the_description_has(
    live_server: LiveServer, session: requests.Session, ids: dict[str, str], operation: Any
) -> None:
    headers = keys(operation)
    auth = Signed() if operation.path.endswith("/webhook") else None
    is_strict = {"Bearer": []} in operation.definition.raw.get("security", [])
    excluded = EXCLUDED if is_strict else [*EXCLUDED, negative_data_rejection]
    for strategy in strategies(operation, ids):

        @bounded
        @given(case=strategy)
        def ask(case: Any) -> None:
            case.call_and_validate(
                base_url=live_server.url,
                session=session,
                headers=headers,
                auth=auth,
                excluded_checks=excluded,
            )

        ask()


@every_operation
def test_the_documented_example_works_as_it_stands(
    live_server: LiveServer, session: requests.Session, ids: dict[str, str], operation: Any
) -> None:
    raw = operation.definition.raw
    given = {
        (parameter["in"], parameter["name"]): parameter["example"]
        for parameter in raw.get("parameters", [])
        if "example" in parameter and parameter["name"] != "m"  # a merchant that there isn't
    }
    content = raw.get("requestBody", {}).get("content", {})
    example: dict[str, Any] = {
        name: {key: value for (in_, key), value in given.items() if in_ == place}
        for name, place in (("query", "query"), ("headers", "header"))
    }
    if content:
        example |= {"body": content[JSON]["example"], "media_type": JSON}
    case = operation.Case(path_parameters=there(operation, ids), **example)

    answer = case.call_and_validate(
        base_url=live_server.url, session=session, headers=keys(operation) | example["headers"],
        auth=Signed(), excluded_checks=EXCLUDED,
    )  # fmt: skip

    refused = REFUSED_HERE.get(operation.definition.raw["operationId"])
    assert answer.status_code == refused or 200 <= answer.status_code < 300


@every_operation
def test_without_credentials_every_answer_is_described_too(
    live_server: LiveServer, session: requests.Session, ids: dict[str, str], operation: Any
) -> None:
    @bounded
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call_and_validate(
            base_url=live_server.url, session=session, excluded_checks=EXCLUDED
        )
        assert answer.status_code >= 400 or not is_closed

    is_closed = bool(operation.definition.raw.get("security"))
    ask()
