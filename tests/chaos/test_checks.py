"""Each check notices when what it promises is broken."""

from collections.abc import Sequence

from tests.chaos import checks
from tests.chaos.checks import Check
from tests.chaos.history import Told


def told(*ids: str, is_kept: bool = True) -> dict[str, Told]:
    return {id_: Told(id_, 0, 0, b"{}", is_kept) for id_ in ids}


def broken(found: Sequence[Check]) -> set[str]:
    return {check.promise for check in found if check.broken}


def test_events_that_were_acknowledged_and_processed_once_are_fine() -> None:
    acknowledged = told("evt_1") | told("evt_other_mode", is_kept=False)
    assert broken(checks.events(acknowledged, [("evt_1", 1, "processed")])) == set()


def test_an_acknowledged_event_that_is_not_there_is_noticed() -> None:
    found = checks.events(told("evt_1", "evt_2"), [("evt_1", 1, "processed")])
    assert broken(found) == {"acknowledged events are stored"}
    assert found[0].examples == ("evt_2",)


def test_an_event_that_is_stored_twice_or_not_processed_is_noticed() -> None:
    rows = [("evt_1", 2, "processed"), ("evt_2", 1, "pending")]
    assert broken(checks.events(told("evt_1", "evt_2"), rows)) == {"stored once", "processed"}


def test_an_event_of_another_mode_that_is_stored_is_noticed() -> None:
    found = checks.events(told("evt_1", is_kept=False), [("evt_1", 1, "processed")])
    assert broken(found) == {"nothing is stored that wasn't delivered or isn't ours"}


def test_a_charge_that_is_made_twice_is_noticed() -> None:
    made = [{"debt": 7, "key": "a"}, {"debt": 7, "key": "b"}]
    found = checks.charges(made, {"a": "failed", "b": "succeeded"})
    assert broken(found) == {"no debt is charged twice for one step"}


def test_a_charge_whose_answer_nobody_knows_is_noticed() -> None:
    found = checks.charges([{"debt": 7, "key": "a"}], {"a": "claimed"})
    assert broken(found) == {"each charge that was made has its answer in our rows"}


def test_an_answer_to_a_charge_that_was_never_made_is_noticed() -> None:
    found = checks.charges([], {"a": "succeeded"})
    assert broken(found) == {"no attempt is said to be answered that Stripe never made"}


def test_mails_that_went_once_or_are_listed_for_a_person_are_fine() -> None:
    taken, states = (
        ["msg_1@x", "msg_2@x"],
        {"msg_1": "sent", "msg_2": "unknown", "msg_3": "queued"},
    )
    assert broken(checks.mails(taken, states, ["case_1:message_unsent:msg_2"])) == set()


def test_a_mail_that_went_twice_is_noticed() -> None:
    found = checks.mails(["msg_1@x", "msg_1@x"], {"msg_1": "sent"}, [])
    assert broken(found) == {"no mail goes twice"}


def test_a_mail_that_never_went_or_that_nobody_knows_of_is_noticed() -> None:
    found = checks.mails(["msg_2@x"], {"msg_1": "sent", "msg_2": "queued"}, [])
    assert broken(found) == {
        "mails that count as sent went", "mails that went count as sent, or as unknown",
    }  # fmt: skip


def test_an_unknown_mail_that_is_lost_silently_is_noticed() -> None:
    found = checks.mails([], {"msg_1": "unknown"}, ["case_1:message_unsent:msg_2"])
    assert broken(found) == {"unknown mails are listed for a person"}
