"""Every mail, for every decline: its words, and what others wrote into its facts."""

import html
import re
from datetime import UTC, datetime

import pytest

from dunning.campaigns import DEFAULTS
from dunning.models import NEW_LINK
from dunning.rendering import WORDS, Rendered, UnrenderableError, render
from recovery.declines import DECLINE_CODES, DeclineType
from recovery.models import Customer, Merchant, RecoveryCase

LINK = "https://pay.example.com/fourthngoal/recover/update?token=a.b.c"
SPEAKS_OF_CRIME = re.compile(r"\b(lost|stolen|fraud\w*|risk\w*|pick ?up)\b", re.IGNORECASE)
A_CODE = re.compile(r"\b[a-z]+_[a-z_]+\b")
HOSTILE = """<script>alert('1')</script>"&{amount.__class__}{{ link }}{% now "Y" %}%s"""
LINE_BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


def case_of(
    *, product: str = "Fern Tea", code: str = "insufficient_funds", **facts: str
) -> RecoveryCase:
    merchant = Merchant(
        name="Fern Tea Club", product_name=product, support_email="help@fern.example",
        time_zone="UTC",
    )  # fmt: skip
    return RecoveryCase(
        merchant=merchant, customer=Customer(email="jo@example.com", name=HOSTILE), amount=4900,
        currency="usd", decline_code=code, failed_at=datetime(2026, 11, 3, 9, tzinfo=UTC), **facts,
    )  # fmt: skip


def rendered(template: str, **facts: str) -> Rendered:
    return render(case=case_of(**facts), template=template, link=LINK)


def words_of(page: str) -> str:
    return html.unescape(re.sub("<style>.*?</style>|<[^>]*>", "", page, flags=re.DOTALL))


def test_every_step_of_every_default_campaign_has_words() -> None:
    used = {template for steps in DEFAULTS.values() for _delay, template in steps}

    assert set(DEFAULTS) == set(DeclineType)
    assert used | {NEW_LINK} == set(WORDS)


@pytest.mark.parametrize("code", [*DECLINE_CODES, "", "never_heard_of"])
def test_no_mail_shows_a_code_or_speaks_of_a_crime(code: str) -> None:
    for template in WORDS:
        mail = rendered(template, code=code)
        for part in (mail.subject, mail.text, words_of(mail.html)):
            assert not SPEAKS_OF_CRIME.search(part)
            assert not A_CODE.search(part.replace(LINK, ""))
            assert "{" not in part
            assert "None" not in part


@pytest.mark.parametrize("template", WORDS)
def test_every_mail_says_what_is_owed_to_whom_and_how_to_pay(template: str) -> None:
    mail = rendered(template, description="Monthly box", invoice_number="FERN-0001",
                    card_brand="visa", card_last4="4242")  # fmt: skip

    for fact in ("$49.00", "Fern Tea", "Monthly box", "FERN-0001", "Visa ending in 4242",
                 "November 3, 2026", "help@fern.example", LINK):  # fmt: skip
        assert fact in mail.text
        assert html.escape(fact) in mail.html
    assert "Fern Tea" in mail.subject
    assert mail.html.count(f'href="{LINK}"') == 1
    assert mail.text.count(LINK) == 1


@pytest.mark.parametrize("template", WORDS)
def test_what_is_not_known_leaves_no_empty_line(template: str) -> None:
    mail = rendered(template)

    assert [label for label in ("For:", "Invoice:", "Card:") if label in mail.text] == []
    assert [label for label in (">For<", ">Invoice<", ">Card<") if label in mail.html] == []
    assert "\n\n\n" not in mail.text


@pytest.mark.parametrize("template", WORDS)
def test_what_others_wrote_is_text_and_never_markup_or_a_template(template: str) -> None:
    mail = rendered(template, product=HOSTILE, description=HOSTILE, invoice_number=HOSTILE)
    quiet = rendered(template, description="x", invoice_number="x")

    assert re.findall("<[a-z!/]+", mail.html) == re.findall("<[a-z!/]+", quiet.html)
    assert html.escape(HOSTILE) in mail.html
    assert HOSTILE in mail.text
    assert "{amount.__class__}" in mail.subject


@pytest.mark.parametrize("template", WORDS)
@pytest.mark.parametrize("line_break", LINE_BREAKS, ids=ascii)
def test_a_subject_is_one_line_whatever_the_product_is_called(
    template: str, line_break: str
) -> None:
    mail = rendered(template, product=f"Fern{line_break}Bcc: eve@example.com")

    assert mail.subject.splitlines() == [mail.subject]
    assert "Fern Bcc: eve@example.com" in mail.subject


def test_a_failed_payment_is_told_word_for_word() -> None:
    mail = rendered("failed", description="Monthly box", card_brand="visa", card_last4="4242")

    assert mail.subject == "Your payment to Fern Tea didn't go through"
    assert mail.text.rstrip() == (
        "Hello,\n"
        "\n"
        "We tried to collect $49.00 for Fern Tea, and it didn't work. There wasn't enough money "
        "available on the card.\n"
        "\n"
        "You can pay with another card now. It takes a minute, and nothing else changes.\n"
        "\n"
        "Update payment details:\n"
        f"{LINK}\n"
        "\n"
        "Amount: $49.00\n"
        "For: Monthly box\n"
        "Card: Visa ending in 4242\n"
        "Tried on: November 3, 2026\n"
        "\n"
        "The link is yours alone and works for seven days. Your card details are entered at "
        "Stripe, our payment provider, and never reach us.\n"
        "\n"
        "Questions? Write to help@fern.example.\n"
        "\n"
        "Fern Tea"
    )


@pytest.mark.parametrize("template", ["", "no_such_words", "../settings"])
def test_words_that_are_not_there_are_named(template: str) -> None:
    with pytest.raises(UnrenderableError, match="KeyError"):
        rendered(template)


def test_a_currency_that_nobody_knows_is_still_written() -> None:
    case = case_of()
    case.currency = "xqz"

    assert "XQZ49.00" in render(case=case, template="failed", link=LINK).text.replace("\xa0", "")


LOGO = "https://cdn.fern.example/logo.png?a=1&b=2"


def test_a_logo_stands_for_the_name_and_says_it_where_no_picture_is_loaded() -> None:
    case = case_of(product='Fern "Tea"')
    case.merchant.logo_url = LOGO
    mail = render(case=case, template="failed", link=LINK)

    (image,) = re.findall("<img[^>]*>", mail.html)
    assert f'src="{html.escape(LOGO)}"' in image
    assert 'alt="Fern &quot;Tea&quot;"' in image
    assert "height:40px" in image
    assert "max-width" in image
    assert LOGO not in mail.text


def test_without_a_logo_a_mail_loads_nothing_from_anywhere() -> None:
    assert not re.search(r"<img|src=|url\(", rendered("failed").html)
