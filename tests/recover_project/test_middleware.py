"""What holds for every request."""

import time

import pytest
from django.test import Client

from recover_project.middleware import NO_NUL
from recovery.models import StripeEvent
from recovery.signatures import sign
from tests.builders import DASHBOARD, SECRET, WEBHOOK, make_merchant

PAGE = "/fourthngoal/recover/update"
ADDRESSES = [DASHBOARD, PAGE, f"{PAGE}/return", "/admin/login/", "/nowhere"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("query", ["a=%00", "%00=a", "a=b%00c&d", "a=1&a=%25&b=%00"])
def test_a_nul_in_an_address_is_refused(address: str, query: str) -> None:
    answer = Client().get(f"{address}?{query}")

    assert answer.status_code == 400
    assert NO_NUL in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["a=%2500", "a=00", "a=%0", "a=%E2%90%80", ""])
def test_what_only_looks_like_one_is_not(query: str) -> None:
    assert Client().get(f"{DASHBOARD}?{query}").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_webhook_is_the_bytes_that_were_signed_whatever_they_are_called(
    content_type: str,
) -> None:
    make_merchant()
    body = b'{"id": "evt_1", "type": "invoice.paid", "note": "\\u0000%00"}'
    signature = sign(body=body, secret=SECRET, timestamp=int(time.time()))
    answer = Client().post(
        WEBHOOK, body, content_type=content_type, headers={"Stripe-Signature": signature}
    )

    assert answer.status_code == 200
    assert StripeEvent.objects.get().payload.encode() == body
