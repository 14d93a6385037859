"""JSON from outside: wrong types count as absent, and nothing is kept changed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.reading import (
    LARGEST,
    NOTHING,
    UnreadablePayloadError,
    id_of,
    items,
    moment,
    node,
    text,
    whole,
)

NOT_TEXT = [None, True, 1, 1.5, [], ["a"], {}, {"a": "b"}, b"bytes"]


@pytest.mark.parametrize("value", NOT_TEXT)
def test_what_is_no_text_is_empty(value: object) -> None:
    assert text(value) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"), ("a\x00b", "ab"), ("\x00", ""), ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"), ("\U0001f600", "\U0001f600"), ("x" * 501, "x" * 500),
    ],
)  # fmt: skip
def test_text_is_made_storable(value: str, expected: str) -> None:
    assert text(value) == expected


@given(st.text(st.characters()) | st.text(st.characters(categories=["Cs", "Cc"])))
def test_any_text_can_be_stored(value: str) -> None:
    kept = text(value, longest=10)

    assert len(kept) <= 10
    assert b"\x00" not in kept.encode()


@pytest.mark.parametrize("value", [0, 1, -1, 4900, LARGEST, -LARGEST])
def test_a_number_that_fits_is_kept_as_it_is(value: int) -> None:
    assert whole(value, name="amount") == value


@pytest.mark.parametrize("value", [None, True, False, "4900", 4900.0, 1e300, [], {}])
def test_what_is_no_integer_is_absent(value: object) -> None:
    assert whole(value, name="amount") is None


@pytest.mark.parametrize("value", [LARGEST + 1, -LARGEST - 1, 2**63, 10**4000])
def test_an_amount_larger_than_any_is_refused(value: int) -> None:
    with pytest.raises(UnreadablePayloadError, match="amount_due is larger than any"):
        whole(value, name="amount_due")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (946_684_800, datetime(2000, 1, 1, tzinfo=UTC)),
        (1_760_000_000, datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)),
        (1_760_000_000.5, datetime(2025, 10, 9, 8, 53, 20, 500_000, tzinfo=UTC)),
        (4_102_444_800, datetime(2100, 1, 1, tzinfo=UTC)),
    ],
)
def test_seconds_since_the_epoch_are_a_time(value: float, expected: datetime) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "0", [], {}, 10**12, -(10**12), 10**400, 2**63, 0, -1, 1.5,
        946_684_799, 4_102_444_801, 253_402_300_700, -62_135_596_800,
        float("nan"), float("inf"), float("-inf"), 1e300,
    ],
)  # fmt: skip
def test_what_stripe_cannot_mean_is_no_time(value: object) -> None:
    assert moment(value) is None


@given(st.integers() | st.floats())
def test_every_number_is_a_time_or_none(value: float) -> None:
    found = moment(value)

    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        ({"a": {"b": {"c": 1}}}, ("a", "b"), {"c": 1}),
        ({"c": 1}, (), {"c": 1}),
        ({"a": {"b": None}}, ("a", "b", "c"), {}),
        ({"a": "text"}, ("a",), {}),
        ({"a": [{"b": {}}]}, ("a", "b"), {}),
        (None, ("a",), {}),
        ([], (), {}),
    ],
)
def test_a_path_leads_to_an_object_or_to_nothing(
    value: object, path: tuple[str, ...], expected: dict[str, Any]
) -> None:
    assert node(value, *path) == expected


def test_nothing_can_not_be_filled() -> None:
    with pytest.raises(TypeError):
        NOTHING["a"] = 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"id": "a"}, None, "b", {"id": "c"}], [{"id": "a"}, {"id": "c"}]),
        ({"object": "list", "data": [{"id": "a"}]}, [{"id": "a"}]),
        ({"data": {"id": "a"}}, []),
        ({}, []),
        (None, []),
        ("data", []),
    ],
)
def test_a_list_is_read_with_and_without_its_envelope(
    value: object, expected: list[dict[str, str]]
) -> None:
    assert items(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cus_1", "cus_1"), ({"id": "cus_1", "object": "customer"}, "cus_1"), ({"id": 1}, ""),
        ({"id": {"id": "cus_1"}}, ""), ({}, ""), (None, ""), (7, ""), (["cus_1"], ""),
        ("x" * 300, "x" * 255),
    ],
)  # fmt: skip
def test_an_id_is_read_from_itself_and_from_its_object(value: object, expected: str) -> None:
    assert id_of(value) == expected
