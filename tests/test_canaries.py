"""The suite listens to what it logs (tests/conftest.py): what it would hear."""

import logging
from collections.abc import Iterator

import pytest

from tests.canaries import Listener, shown


@pytest.mark.parametrize(
    "line",
    [
        "of Zanzibar Quill", "Canary Wren 12 paid", "to maria@gmail.com", "<m@x.org>", "ü@x.org",
        "sk_test_abc", "rk_live_1", "whsec_x", "rik_a", "Bearer eyJhbGciOi",
    ],
)  # fmt: skip
def test_a_canary_is_heard(line: str) -> None:
    assert shown(f"all is well\n{line}\nand well")


@pytest.mark.parametrize(
    "line",
    [
        "to ma***@gmail.com", "j***@x.org", "sk_test_***", "whsec_***", "rik_***", "[token]",
        "postgres://recover:***@db.example.com/x", "case_7m2k was paid: 49.90 usd at 12:00",
        "evt_248Stg5jHI0kz1AquillmWDS came in",
    ],
)  # fmt: skip
def test_nothing_else_is(line: str) -> None:
    assert shown(line) == []


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    logger = logging.getLogger("a logger of the tests alone")
    logger.propagate = False
    logger.addHandler(made)
    yield made
    logger.removeHandler(made)


def test_a_name_is_heard_that_no_pattern_knows(listener: Listener) -> None:
    logging.getLogger("a logger of the tests alone").warning("%s has not paid", "Zanzibar")

    [found] = listener.found
    assert "Zanzibar has not paid" in found


def test_what_the_product_cuts_out_is_not_heard(listener: Listener) -> None:
    logging.getLogger("a logger of the tests alone").warning("%s of maria@x.org", "sk_live_abc")

    assert listener.found == []
