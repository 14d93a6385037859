"""What a decline means, and which of its facts decides."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.declines import (
    DATA,
    DECLINE_CODES,
    NETWORK_CODES,
    UNKNOWN,
    Decline,
    DeclineType,
    Retryable,
    classify,
)


def rows(filename: str) -> list[dict[str, str]]:
    with (DATA / filename).open(newline="") as lines:
        return list(csv.DictReader(lines))


CODES = rows("decline_codes.csv")
PLAIN = [row for row in CODES if ":" not in row["code"]]
ADVICE = [row for row in CODES if row["code"].startswith("advice_code:")]
VISA = [row for row in rows("network_codes.csv") if row["network"] == "visa"]
MASTERCARD = [row for row in rows("network_codes.csv") if row["network"] == "mastercard_mac"]


def code_of(row: dict[str, str]) -> str:
    return row["code"]


def test_no_code_is_listed_twice() -> None:
    assert len(DECLINE_CODES) == len(CODES)
    networks = rows("network_codes.csv")
    assert len({(row["network"], row["code"]) for row in networks}) == len(networks)


@pytest.mark.parametrize("row", [*CODES, *VISA, *MASTERCARD], ids=code_of)
def test_every_row_names_its_source(row: dict[str, str]) -> None:
    assert row["source"]


@pytest.mark.parametrize("row", PLAIN, ids=code_of)
def test_every_decline_code_means_what_its_row_says(row: dict[str, str]) -> None:
    meaning = classify(Decline(decline_code=row["code"], code="card_declined"))

    assert (meaning.decline_type, meaning.retryable) == (row["class"], row["retryable"])
    assert meaning.rule == f"decline_code {row['code']}"
    assert meaning.source == row["source"]


@pytest.mark.parametrize("row", PLAIN, ids=code_of)
def test_every_code_that_comes_as_the_error_code_means_the_same(row: dict[str, str]) -> None:
    assert classify(Decline(code=row["code"])) is DECLINE_CODES[row["code"]]


@pytest.mark.parametrize("row", ADVICE, ids=code_of)
def test_stripes_advice_outranks_every_decline_code(row: dict[str, str]) -> None:
    advice = row["code"].removeprefix("advice_code:")

    for other in PLAIN:
        meaning = classify(Decline(decline_code=other["code"], advice_code=advice))
        assert (meaning.decline_type, meaning.retryable) == (row["class"], row["retryable"])


def test_soft_declines_may_be_retried_and_others_may_not_as_they_are() -> None:
    unmade = {
        meaning.rule
        for meaning in [*DECLINE_CODES.values(), *NETWORK_CODES.values()]
        if (meaning.decline_type is DeclineType.SOFT)
        is not (meaning.retryable in {Retryable.YES, Retryable.LIMITED})
    }

    assert unmade == set()


@pytest.mark.parametrize("row", MASTERCARD, ids=code_of)
def test_mastercards_advice_speaks_before_the_decline_code(row: dict[str, str]) -> None:
    decline = Decline(
        decline_code="expired_card", network_advice_code=row["code"], brand="mastercard"
    )

    advised = row["rule"] != "no advice"

    assert classify(decline).decline_type == (row["class"] if advised else "action_required")
    assert classify(decline).rule.startswith("mastercard_mac" if advised else "decline_code")


@pytest.mark.parametrize("row", VISA, ids=code_of)
def test_of_visas_codes_only_never_again_speaks_before_the_decline_code(
    row: dict[str, str],
) -> None:
    decline = Decline(
        decline_code="insufficient_funds", network_decline_code=row["code"], brand="visa"
    )

    is_never_again = row["category"] == "category 1"

    assert classify(decline).decline_type == ("hard" if is_never_again else "soft")
    assert classify(decline).rule.startswith("visa" if is_never_again else "decline_code")


@pytest.mark.parametrize(
    ("brand", "advice", "decline"),
    [("visa", "03", ""), ("amex", "03", "41"), ("", "03", "41"), ("mastercard", "", "41")],
)
def test_a_networks_code_says_nothing_on_another_networks_card(
    brand: str, advice: str, decline: str
) -> None:
    meaning = classify(
        Decline(
            decline_code="insufficient_funds", brand=brand,
            network_advice_code=advice, network_decline_code=decline,
        )
    )  # fmt: skip

    assert meaning is DECLINE_CODES["insufficient_funds"]


# Each fact decides if those above it are silent.
RANKED = [
    ({"block_reason": "highest_risk_level"}, "decline_code highest_risk_level"),
    ({"advice_code": "try_again_later"}, "advice_code try_again_later"),
    ({"network_advice_code": "03", "brand": "mastercard"}, "mastercard_mac 03"),
    ({"decline_code": "insufficient_funds"}, "decline_code insufficient_funds"),
    ({"code": "expired_card"}, "decline_code expired_card"),
    ({}, "decline_code UNKNOWN"),
]


@pytest.mark.parametrize("silent", range(len(RANKED)))
def test_the_first_fact_that_says_something_decides(silent: int) -> None:
    facts = {name: value for told, _ in RANKED[silent:] for name, value in told.items()}

    assert classify(Decline(**facts)).rule.startswith(RANKED[silent][1])


@pytest.mark.parametrize("silent", range(len(RANKED)))
def test_a_fact_that_nobody_has_seen_before_leaves_the_word_to_the_next(silent: int) -> None:
    unseen = {
        name: "mastercard" if name == "brand" else "brand_new"
        for told, _ in RANKED[1:silent]
        for name in told
    }
    known = {name: value for told, _ in RANKED[max(silent, 1) :] for name, value in told.items()}

    assert classify(Decline(**unseen | known)).rule.startswith(RANKED[max(silent, 1)][1])


def test_a_block_for_a_reason_nobody_has_seen_is_a_block() -> None:
    meaning = classify(Decline(block_reason="brand_new", advice_code="try_again_later"))

    assert meaning is DECLINE_CODES["rule"]
    assert meaning.decline_type is DeclineType.HARD


def test_a_decline_code_nobody_has_seen_is_soft_with_few_attempts() -> None:
    meaning = classify(Decline(decline_code="brand_new", code="card_declined"))

    assert meaning is UNKNOWN
    assert (meaning.decline_type, meaning.retryable) == (DeclineType.SOFT, Retryable.LIMITED)


def test_a_bare_card_declined_is_an_ordinary_decline() -> None:
    assert classify(Decline(code="card_declined")) is DECLINE_CODES["card_declined"]


@pytest.mark.parametrize("returned", ["R01", "R09"])
def test_a_bank_debit_without_funds_may_be_presented_twice_more(returned: str) -> None:
    debit = Decline(decline_code="insufficient_funds", network_decline_code=returned)
    card = Decline(decline_code="insufficient_funds", network_decline_code="51", brand="visa")

    assert classify(debit).retryable is Retryable.LIMITED
    assert classify(debit).rule == "ach insufficient_funds"
    assert classify(card).retryable is Retryable.YES


@pytest.mark.parametrize(
    ("decline", "expected"),
    [
        (Decline(decline_code="lost_card", code="card_declined"), "lost_card"),
        (Decline(decline_code="authentication_not_handled", code="authentication_required"),
         "authentication_not_handled"),
        (Decline(code="expired_card"), "expired_card"),
        (Decline(code="card_declined"), ""),
        (Decline(), ""),
    ],
)  # fmt: skip
def test_the_best_code_is_the_most_telling_one(decline: Decline, expected: str) -> None:
    assert decline.best_code == expected


WORDS = st.sampled_from(["", *DECLINE_CODES, "03", "41", "*"]) | st.text()


@given(
    st.builds(
        Decline, decline_code=WORDS, code=WORDS, advice_code=WORDS, network_decline_code=WORDS,
        network_advice_code=WORDS, block_reason=WORDS,
        brand=st.sampled_from(["visa", "mastercard", ""]) | st.text(),
    )
)  # fmt: skip
def test_every_decline_has_a_meaning(decline: Decline) -> None:
    assert classify(decline) in [*DECLINE_CODES.values(), *NETWORK_CODES.values()]
