"""What is left of a text once a person is taken out of it."""

from recovery.redaction import Redaction, redaction, without_addresses

MARIA = redaction(
    words=["Maria", "Maria Jones", " ", ""], cards=["fp1", ""], pseudonym=lambda one: f"<{one}>"
)


def test_names_and_addresses_are_hidden_whole_or_masked_in_whatever_case() -> None:
    told = "“Hello MARIA JONES” was sent to ma***@gmail.com, for Maria <m@x.org>; Mariana stays."

    assert MARIA.text(told) == "“Hello •••” was sent to •••, for ••• <•••>; Mariana stays."


def test_where_a_rule_is_written_is_no_address() -> None:
    assert MARIA.text("stripe-python@6c6e373 _charge.py") == "stripe-python@6c6e373 _charge.py"


def test_facts_about_the_person_are_emptied_wherever_they_stand_and_others_stay() -> None:
    told = {
        "amount": 4900, "is_open": True, "none": None, "card_last4": "4242",
        "looked_at": {"metadata tier": "gold"}, "moves": [{"why": "Maria asked", "at": "noon"}],
        "passed_over": [{"name": "Gold"}], "pair": ("Maria", 1),
    }  # fmt: skip

    assert MARIA.within(told) == {
        "amount": 4900, "is_open": True, "none": None, "card_last4": "",
        "looked_at": {}, "moves": [{"why": "••• asked", "at": "noon"}],
        "passed_over": [], "pair": ["•••", 1],
    }  # fmt: skip


def test_a_key_stays_one() -> None:
    assert MARIA.key("lifted:m@x.org:2026") == "lifted:<m@x.org>:2026"
    assert MARIA.key("retry:fp1.2027-01") == "retry:<fp1>.2027-01"


def test_of_whom_no_name_is_known_any_more_addresses_are_hidden() -> None:
    assert without_addresses({"detail": "550 <m@x.org>"}) == {"detail": "550 <•••>"}
    assert Redaction((), str).key("sent:msg_1") == "sent:msg_1"
