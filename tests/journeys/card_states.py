"""The ways to pages that tell of a card, and of what the bank had said of it before."""

from tests.journeys.states import Jo, Way


def back_with_the_number_that_was_refused(jo: Jo) -> str:
    jo.set_out()
    saved = jo.stripe.scenarios.new_card(customer=jo.customer)["payment_method"]
    found = jo.stripe.world.find("payment_method", saved)
    assert found
    jo.case.attempts.update(
        fingerprint=found[1]["card"]["fingerprint"], decline_code="lost_card", decline_type="hard"
    )
    jo.come_back()
    return "back_card_refused"


# What can be fetched again, in another language.
FETCHED: list[Way] = [back_with_the_number_that_was_refused]
