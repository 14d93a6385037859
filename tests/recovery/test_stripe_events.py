"""Signed bodies as events, and which case each concerns."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.reading import UnreadablePayloadError
from recovery.stripe_events import CONCERNS, Event, EventType, UnreadableEventError, concerns
from recovery.stripe_objects import Invoice

DOCUMENTED = b"""{"id": "evt_1PxKJ2HjQ9kdnRw7abcdef", "type": "invoice.payment_failed",
 "data": {"object": {"id": "in_1PxKJ2HjQ9kdnRw7xyz", "customer_email": "user@example.com",
                     "amount_due": 4900,
                     "last_finalization_error": {"decline_code": "insufficient_funds"}}}}"""


def body(**facts: Any) -> bytes:
    return json.dumps({"id": "evt_1", "type": "invoice.paid", **facts}).encode()


def event(event_type: str, **stripe_object: Any) -> Event:
    return Event.parse(body(type=event_type, data={"object": stripe_object}))


def test_an_event_is_read() -> None:
    read = Event.parse(
        body(
            livemode=True, account="acct_1", created=1_760_000_000, api_version="2020-08-27",
            data={"object": {"id": "in_1"}, "previous_attributes": {"status": "open"}},
        )
    )  # fmt: skip

    assert read == Event(
        id="evt_1", type="invoice.paid", livemode=True, account="acct_1",
        created_at=datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC), object={"id": "in_1"},
        previous_attributes={"status": "open"},
    )  # fmt: skip


def test_the_documented_example_is_an_event() -> None:
    read = Event.parse(DOCUMENTED)

    assert (read.id, read.type) == ("evt_1PxKJ2HjQ9kdnRw7abcdef", "invoice.payment_failed")
    assert (read.livemode, read.account, read.created_at) == (None, "", None)
    assert concerns(read) == "in_1PxKJ2HjQ9kdnRw7xyz"
    assert Invoice.read(read.object).amount_owed == 4900


def test_text_and_bytes_are_the_same_event() -> None:
    assert Event.parse(DOCUMENTED.decode()) == Event.parse(DOCUMENTED)


@pytest.mark.parametrize(
    "facts",
    [
        {"livemode": "true", "account": 7, "created": "soon", "data": []},
        {"livemode": None, "account": None, "created": 10**30, "data": {"object": "in_1"}},
        {"created": float("nan"), "data": {"object": None, "previous_attributes": []}},
        {"data": None},
        {},
    ],
)
def test_what_is_of_the_wrong_type_counts_as_absent(facts: dict[str, Any]) -> None:
    assert Event.parse(body(**facts)) == Event(
        id="evt_1", type="invoice.paid", livemode=None, account="", created_at=None, object={},
        previous_attributes={},
    )  # fmt: skip


UNREADABLE = {
    "nothing": b"",
    "blank": b" \n",
    "truncated": DOCUMENTED[:-1],
    "trailing": DOCUMENTED + b"}",
    "a form": b"id=evt_1&type=invoice.paid",
    "null": b"null",
    "a number": b"1",
    "text": b'"evt_1"',
    "a list": b'[{"id": "evt_1", "type": "invoice.paid"}]',
    "an empty object": b"{}",
    "deep lists": b"[" * 500_000,
    "deep objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "a deep event": b'{"id": "evt_1", "type": "t", "data": ' + b"[" * 10**5 + b"]" * 10**5 + b"}",
    "a number of 5000 digits": b'{"id": "evt_1", "type": "t", "n": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"id": "evt_1", "type": "\xff\xfe"}',
    "half a character": b'{"id": "evt_1\xc3", "type": "t"}',
    "bare NUL": b"\x00",
    "NUL between": b'{"id": "evt_1",\x00 "type": "t"}',
    "a control character": b'{"id": "evt_\x01", "type": "t"}',
    "NUL in the id": body(id="evt_\x00"),
    "NUL in the type": body(type="invoice.paid\x00"),
    "half a surrogate pair": body(id="evt_\ud800"),
    "no id": b'{"type": "invoice.paid"}',
    "no type": b'{"id": "evt_1"}',
    "an empty id": body(id=""),
    "an id that is a number": body(id=1),
    "an id that is an object": body(id={"id": "evt_1"}),
    "an id too long": body(id="e" * 256),
    "a type that is a list": body(type=["invoice.paid"]),
    "a type too long": body(type="t" * 256),
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_event_is_refused(sent: bytes) -> None:
    with pytest.raises(UnreadableEventError):
        Event.parse(sent)


@pytest.mark.parametrize("end", range(0, len(DOCUMENTED), 7))
def test_an_event_cut_short_anywhere_is_refused(end: int) -> None:
    with pytest.raises(UnreadableEventError, match="not JSON"):
        Event.parse(DOCUMENTED[:end])


def test_the_longest_names_are_kept_whole() -> None:
    read = Event.parse(body(id="e" * 255, type="t" * 255))

    assert (read.id, read.type) == ("e" * 255, "t" * 255)


def test_an_amount_larger_than_any_is_left_to_the_one_who_reads_it() -> None:
    read = event("invoice.payment_failed", id="in_1", amount_due=2**64)

    assert concerns(read) == "in_1"
    with pytest.raises(UnreadablePayloadError):
        Invoice.read(read.object)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("evt_1") | JSON,
        "type": st.sampled_from(EventType) | JSON,
        "livemode": JSON,
        "account": JSON,
        "created": JSON,
        "data": st.fixed_dictionaries({}, optional={
            "object": st.dictionaries(
                st.sampled_from(["id", "customer", "invoice", "payment_intent",
                                 "payment_details"]), JSON) | JSON,
            "previous_attributes": JSON,
        }) | JSON,
    },
)  # fmt: skip


@given(st.binary() | st.text() | (JSON | EVENTS).map(json.dumps) | EVENTS.map(json.dumps))
def test_nothing_that_is_signed_raises_anything_else(sent: bytes | str) -> None:
    try:
        read = Event.parse(sent)
    except UnreadableEventError:
        return

    assert "\x00" not in concerns(read)
    assert len(concerns(read)) <= 255


# Which case an event concerns


def test_every_type_says_what_it_concerns() -> None:
    assert set(CONCERNS) == set(EventType)


@pytest.mark.parametrize(
    ("event_type", "stripe_object", "expected"),
    [
        *((event_type, {"id": "in_1", "payment_intent": "pi_1"}, "in_1")
          for event_type in EventType if event_type.startswith("invoice.")),
        *((event_type, {"id": "pi_1"} | link, expected)
          for event_type in EventType if event_type.startswith("payment_intent.")
          for link, expected in (
              ({}, "pi_1"),
              ({"invoice": "in_1"}, "in_1"),
              ({"payment_details": {"order_reference": "in_1"}}, "in_1"),
              ({"payment_details": {"order_reference": "A-7"}}, "pi_1"),
          )),
        ("customer.subscription.deleted", {"id": "sub_1", "customer": "cus_1"}, "sub_1"),
        ("customer.subscription.updated", {"id": "sub_1", "customer": "cus_1"}, "sub_1"),
        ("customer.updated", {"id": "cus_1"}, "cus_1"),
        ("payment_method.attached", {"id": "pm_1", "customer": "cus_1"}, "cus_1"),
        ("payment_method.automatically_updated", {"id": "pm_1", "customer": {"id": "cus_1"}},
         "cus_1"),
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1", "invoice": "in_1"}, "in_1"),
        ("charge.dispute.created", {"id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1"},
         "pi_1"),
        ("account.application.deauthorized", {"id": "ca_1"}, "ca_1"),
    ],
)  # fmt: skip
def test_an_event_concerns_what_its_case_is_found_by(
    event_type: str, stripe_object: dict[str, Any], expected: str
) -> None:
    read = event(event_type, **stripe_object)

    assert read.is_known
    assert concerns(read) == expected


@pytest.mark.parametrize("event_type", ["invoice.created", "v2.core.event", "INVOICE.PAID", " "])
def test_any_other_event_concerns_nothing(event_type: str) -> None:
    read = event(event_type, id="in_1")

    assert not read.is_known
    assert concerns(read) == ""
