"""What mails said is forgotten after the merchant's days, where the merchant says so; that they
were sent, to whom and when is not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from dunning import retention
from dunning.models import DunningMessage
from dunning.tasks import forget_contents
from recovery import merchants
from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.people import EMAIL, live

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
AGO = timedelta(days=100)


def keep_for(merchant: Merchant, days: int | None) -> None:
    merchants.describe(merchant=merchant, given={"message_days": days})


def written(merchant: Merchant, *, at: datetime, **facts: Any) -> dict[str, Any]:
    """A message that was written then."""
    if not RecoveryCase.objects.of(merchant).exists():
        live(merchant)
    DunningMessage.objects.of(merchant).update(claimed_at=at, **facts)
    return {**DunningMessage.objects.of(merchant).values().get()}


def test_what_an_old_mail_said_goes_and_all_else_stays() -> None:
    merchant, now = make_merchant(), timezone.now()
    keep_for(merchant, 90)
    before = written(merchant, at=now - AGO)
    assert before["subject"] != ""

    forget_contents()

    after = DunningMessage.objects.values().get()
    assert after["content_forgotten_at"] is not None
    gone = {"subject": "", "body_text": "", "body_html": ""}
    assert after == {**before, **gone, "content_forgotten_at": after["content_forgotten_at"]}
    assert after["recipient"] == EMAIL


def test_nothing_is_forgotten_where_nobody_says_so_or_too_soon() -> None:
    merchant, now = make_merchant(), timezone.now()
    before = written(merchant, at=now - AGO)

    forget_contents()
    assert retention.forget_contents(merchant, now=now) == 0
    keep_for(merchant, 101)
    forget_contents()

    assert DunningMessage.objects.values().get() == before


def test_what_may_still_be_sent_keeps_its_words() -> None:
    merchant, now = make_merchant(), timezone.now()
    keep_for(merchant, 30)
    before = written(merchant, at=now - AGO, state="sending", sent_at=None)

    forget_contents()

    assert DunningMessage.objects.values().get() == before


def test_another_merchants_mails_are_kept_and_batches_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merchant, other, now = make_merchant(), make_merchant("Moss"), timezone.now()
    monkeypatch.setattr(retention, "BATCH", 1)
    live(merchant)
    live(merchant, customer="cus_2", invoice="in_2", email="al@fir.example")
    DunningMessage.objects.update(claimed_at=now - AGO)
    before = written(other, at=now - AGO)
    keep_for(merchant, 30)

    forget_contents()

    assert list(DunningMessage.objects.of(merchant).values_list("subject", flat=True)) == ["", ""]
    assert DunningMessage.objects.of(other).values().get() == before


@pytest.mark.parametrize("days", [29, 3651])
def test_days_are_a_month_to_ten_years(days: int) -> None:
    merchant = make_merchant()

    with pytest.raises(ValidationError):
        keep_for(merchant, days)

    merchant.refresh_from_db()
    assert merchant.message_days is None
