"""Every figure is defined once, and each definition is of a figure."""

from recovery.metrics import DEFINITIONS, SHARES, STRIPES_DEFINITIONS, TOTALS
from recovery.metrics.definitions import Total, What, When
from recovery.state_machine import Status


def test_a_total_counts_cases_or_adds_money_of_some_statuses() -> None:
    assert [name for name, total in TOTALS.items() if not total.statuses <= set(Status)] == []
    assert {name for name, total in TOTALS.items() if not total.is_money} == {
        "failed_payments", "recovered_count", "lost_count", "voided_count",
    }  # fmt: skip


def test_a_share_is_of_totals_of_one_kind_and_time() -> None:
    for share in SHARES.values():
        parts = [TOTALS[name] for name in share.whole]
        assert share.part in share.whole
        assert len({part.when for part in parts}) == 1
        assert len({part.is_money for part in parts}) == 1


def test_money_that_is_kept_and_money_that_went_back_are_of_the_same_cases() -> None:
    kept, back = TOTALS["recovered"], TOTALS["refunded"]

    assert kept == Total(When.CLOSED, What.KEPT, frozenset({Status.RECOVERED}), kept.words)
    assert (back.when, back.statuses) == (kept.when, kept.statuses)


def test_definitions_are_sentences() -> None:
    for words in (*DEFINITIONS.values(), *STRIPES_DEFINITIONS.values()):
        assert words[0].isupper() or words.startswith("recovered_mtd")
        assert words.endswith(".")
