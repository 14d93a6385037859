"""What a merchant makes of its mails: branding, words of its own, and mistakes in them."""

import pytest

from dunning.models import MessageTemplate
from dunning.wording import templates
from dunning.wording.rendering import render
from recovery import logos
from recovery.models import Merchant
from tests.drawings import file_of, wordmark
from tests.dunning.mails import LINK, NOW, UNSUBSCRIBE, debt_of, merchant, rendered

__all__ = ["merchant"]  # a fixture

pytestmark = pytest.mark.django_db


def test_there_is_a_way_to_unsubscribe_only_where_there_is_an_address(merchant: Merchant) -> None:
    without = rendered(merchant, "reminder")
    mail = render(
        debts=[debt_of(merchant)], template="reminder", link=LINK, unsubscribe_url=UNSUBSCRIBE
    )

    assert "Stop these reminders" not in without.text + without.html
    assert mail.html.count(f'href="{UNSUBSCRIBE}"') == 1


def test_without_an_address_for_questions_none_is_offered(merchant: Merchant) -> None:
    merchant.support_email = ""
    mail = rendered(merchant, "final")

    assert "Questions?" not in mail.text + mail.html
    assert "write to us" not in mail.text
    assert "mailto:" not in mail.html


def test_a_mail_wears_the_merchants_color_and_logo(merchant: Merchant) -> None:
    merchant.color = "#0f766e"
    assert "<img" not in rendered(merchant, "failed").html

    logos.put(merchant=merchant, given=file_of(wordmark()))
    html = rendered(merchant, "failed").html
    assert 'bgcolor="#0f766e"' in html
    assert 'alt="Fern Tea" width="240" height="48"' in html


def test_a_merchants_own_words_are_sent_with_their_markup_and_nothing_of_the_facts(
    merchant: Merchant,
) -> None:
    templates.save(
        merchant=merchant, name="failed", language="en",
        subject="To {{ customer_name }}{{ card }}",
        body="<h2>Dear {{ customer_name | default: 'friend' }}</h2>"
        '<p>See <a href="{{ link }}">here</a>: {{ description }}</p>',
        text="", button="Go", now=NOW,
    )  # fmt: skip
    mail = rendered(merchant, "failed", description="<b>x</b>")

    assert mail.subject == "To Jo"
    assert f"Dear Jo\n\nSee here ({LINK}): <b>x</b>\n\nGo:\n{LINK}\n" in mail.text
    assert "&lt;b&gt;x&lt;/b&gt;" in mail.html
    assert mail.html.count(f'href="{LINK}"') == 2


def test_a_merchants_own_text_is_sent_as_it_is(merchant: Merchant) -> None:
    templates.save(
        merchant=merchant, name="failed", language="en", subject="Hi", body="<p>Rich</p>",
        text="Plain {{ description }}", button="", now=NOW,
    )  # fmt: skip
    mail = rendered(merchant, "failed", description="<&>")

    assert "Hello,\n\nPlain <&>\n\nUpdate payment details:" in mail.text
    assert '<p style="margin:0 0 14px">Rich</p>' in mail.html


@pytest.mark.parametrize(
    "broken",
    [
        {"subject": "{{ nothing_of_the_kind }}"},
        {"body": "<p>{% for x in y %}</p>"},
        {"subject": "{{ description }}"},
        {"text": "{{ product | truncate: 'x' }}"},
    ],
)
def test_a_merchants_words_that_broke_give_way_to_the_shipped_ones(
    merchant: Merchant, broken: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    good = {"subject": "Mine", "body": "<p>Mine</p>", "text": "", "button": ""}
    MessageTemplate.objects.create(
        merchant=merchant, name="failed", language="de", updated_at=NOW, **good | broken
    )
    mail = rendered(merchant, "failed", locale="de")

    assert mail.subject == "Ihre Zahlung an Fern Tea hat nicht geklappt"
    assert "Mine" not in mail.text + mail.html
    assert f"The de template “failed” of merchant {merchant.public_id} can't be filled in" in (
        caplog.text
    )
