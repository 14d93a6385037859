"""Every mail, for every decline in every language: its words, and what others wrote into it."""

import html
import re
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from billing_portal import discretion, presentation
from billing_portal.languages import LANGUAGES
from billing_portal.logos import shown
from dunning.models import NEW_LINK
from dunning.plans.default_plans import DEFAULTS
from dunning.wording import templates
from dunning.wording.rendering import PREHEADER_END, UnrenderableError, render
from dunning.wording.words import TEMPLATES, Words
from recovery import logos
from recovery.declines import DECLINE_CODES, DeclineType
from recovery.models import Merchant
from tests.drawings import INK, PALE, file_of, wordmark
from tests.dunning.mails import LINK, UNSUBSCRIBE, debt_of, merchant, rendered

__all__ = ["merchant"]  # a fixture

pytestmark = pytest.mark.django_db
A_CODE = re.compile(r"\b[a-z]+_[a-z_]+\b")
AN_ARTEFACT = re.compile(r"\(\s*\)|（\s*）| [,.;]|,\s*[,.]|\.\.|  |None|[{}]")
HOSTILE = """<script>alert('1')</script>"&{amount.__class__}{{ link }}{% now "Y" %}%s"""
LINE_BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


def words_of(page: str) -> str:
    """What is read, but for the spaces that keep inboxes from showing more than the preheader."""
    bare = re.sub("<!--.*?-->|<style>.*?</style>|<[^>]*>", "", page, flags=re.DOTALL)
    return html.unescape(bare.replace(PREHEADER_END, ""))


def test_every_step_of_every_default_campaign_has_words() -> None:
    used = {step.template for facts in DEFAULTS.values() for step in facts.steps}

    assert set(DEFAULTS) == set(DeclineType)
    assert used | {NEW_LINK} == set(TEMPLATES)


# --- every code, language and message -----------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_mail_shows_a_code_speaks_of_a_crime_or_has_gaps(
    merchant: Merchant, language: str, template: str
) -> None:
    owed = presentation.money(4900, "usd", language)
    codes = [*DECLINE_CODES, "", "never_heard_of"]
    for mail in {rendered(merchant, template, locale=language, code=code) for code in codes}:
        assert mail.language == language
        assert f'<html lang="{language}" dir="ltr"' in mail.html
        for part in (mail.subject, mail.text, words_of(mail.html)):
            said = part.replace(LINK, "")
            assert discretion.indiscretion(said, language) == "", said
            assert not A_CODE.search(said)
        assert owed in mail.text
        assert owed in words_of(mail.html)
        assert "Fern Tea" in mail.subject
        for line in [mail.subject, *mail.text.replace(LINK, "").splitlines()]:
            assert not AN_ARTEFACT.search(line), line


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_several_debts_are_one_mail_that_lists_them(
    merchant: Merchant, language: str, template: str
) -> None:
    debts = [
        debt_of(merchant, locale=language, description="Monthly box", invoice_number="FERN-1"),
        debt_of(merchant, locale=language, amount=100_000, invoice_number="FERN-2"),
        debt_of(merchant, locale=language, amount=5),
    ]
    mail = render(debts=debts, template=template, link=LINK)

    for part in (mail.text, words_of(mail.html)):
        for amount in (4900, 100_000, 5, 104_905):
            assert presentation.money(amount, "usd", language) in part
        for fact in ("Monthly box", "FERN-1", "FERN-2", "3"):
            assert fact in part
        assert presentation.labels(language)["total"] in part
        assert discretion.indiscretion(part.replace(LINK, ""), language) == ""
    assert not any(AN_ARTEFACT.search(line) for line in mail.text.replace(LINK, "").splitlines())


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_mail_says_what_is_owed_to_whom_and_how_to_pay(
    merchant: Merchant, template: str
) -> None:
    mail = rendered(merchant, template, description="Monthly box", invoice_number="FERN-0001",
                    card_brand="visa", card_last4="4242")  # fmt: skip

    for fact in ("$49.00", "Fern Tea", "Monthly box", "FERN-0001", "Visa ending in 4242",
                 "November 3, 2026", "help@fern.example", LINK):  # fmt: skip
        assert fact in mail.text
        assert html.escape(fact) in mail.html
    assert mail.html.count(f'href="{LINK}"') == 1
    assert mail.text.count(LINK) == 1


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_not_known_leaves_no_empty_line(merchant: Merchant, template: str) -> None:
    mail = rendered(merchant, template)

    assert [label for label in ("For:", "Invoice:", "Card:") if label in mail.text] == []
    assert [label for label in (">For<", ">Invoice<", ">Card<") if label in mail.html] == []
    assert "\n\n\n" not in mail.text


# --- what others wrote --------------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_others_wrote_is_text_and_never_markup_or_a_template(
    merchant: Merchant, template: str
) -> None:
    quiet = rendered(merchant, template, description="x", invoice_number="x")
    merchant.product_name = HOSTILE
    mail = rendered(merchant, template, description=HOSTILE, invoice_number=HOSTILE)

    assert re.findall("<[a-z!/]+", mail.html) == re.findall("<[a-z!/]+", quiet.html)
    assert html.escape(HOSTILE) in mail.html
    assert HOSTILE in mail.text
    assert "{amount.__class__}" in mail.subject


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("line_break", LINE_BREAKS, ids=ascii)
def test_a_subject_is_one_line_whatever_the_product_is_called(
    merchant: Merchant, template: str, line_break: str
) -> None:
    merchant.product_name = f"Fern{line_break}Bcc: eve@example.com"
    mail = rendered(merchant, template)

    assert mail.subject.splitlines() == [mail.subject]
    assert "Fern Bcc: eve@example.com" in mail.subject


def test_a_subject_is_short_enough_to_be_kept_and_has_no_control_characters(
    merchant: Merchant,
) -> None:
    merchant.product_name = "Fern\x00\x1b\u202e" + "x" * 300
    mail = rendered(merchant, "failed")

    assert mail.subject.startswith("Your payment to Fernxxx")
    assert len(mail.subject) == 250


def test_a_description_of_several_lines_forges_no_line_of_the_mail(merchant: Merchant) -> None:
    mail = rendered(merchant, "failed", description="Box\nAmount: $1.00")

    assert "\nFor: Box Amount: $1.00\n" in mail.text


def test_a_product_without_a_name_is_called_as_its_merchant(merchant: Merchant) -> None:
    merchant.product_name = " \n"

    assert rendered(merchant, "failed").subject == (
        "Your payment to Fern Tea Club didn't go through"
    )


# --- the customer's language --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("de-CH,fr", "Ihre Zahlung an Fern Tea hat nicht geklappt"),
        ("sv,ja-JP", "Fern Teaのお支払いが完了しませんでした"),
        ("sv", "Your payment to Fern Tea didn't go through"),
        ("", "Your payment to Fern Tea didn't go through"),
    ],
)
def test_a_customer_is_written_to_in_the_language_that_stripe_knows(
    merchant: Merchant, locale: str, subject: str
) -> None:
    assert rendered(merchant, "failed", locale=locale).subject == subject


def test_a_debt_that_names_no_customer_is_written_about_in_english(merchant: Merchant) -> None:
    case = debt_of(merchant)
    case.customer = None

    mail = render(debts=[case], template="failed", link=LINK)

    assert mail.language == "en"


def test_a_day_is_the_merchants(merchant: Merchant) -> None:
    merchant.time_zone = "Pacific/Auckland"

    mail = rendered(
        merchant, "failed", locale="de", failed_at=datetime(2026, 11, 3, 23, tzinfo=UTC)
    )

    assert "Versuch am: 4. November 2026" in mail.text


# --- several debts ------------------------------------------------------------------------------


def test_debts_in_two_currencies_have_no_total_line(merchant: Merchant) -> None:
    debts = [debt_of(merchant), debt_of(merchant, currency="eur", amount=900)]
    mail = render(debts=debts, template="reminder", link=LINK)

    assert "Total" not in mail.text + mail.html
    assert mail.subject == "A reminder: $49.00 + €9.00 for Fern Tea is still open"


def test_a_list_of_debts_word_for_word(merchant: Merchant) -> None:
    debts = [
        debt_of(merchant, description="Monthly box", invoice_number="FERN-1"),
        debt_of(merchant, amount=900),
    ]
    mail = render(debts=debts, template="reminder", link=LINK, unsubscribe_url=UNSUBSCRIBE)

    assert mail.subject == "A reminder: $58.00 for Fern Tea is still open"
    assert mail.text == (
        "Hello,\n"
        "\n"
        "Your payments for Fern Tea are still open: $58.00 in all.\n"
        "\n"
        "To settle this, please update your payment details. If you have just done so, there is "
        "nothing more to do.\n"
        "\n"
        "Update payment details:\n"
        f"{LINK}\n"
        "\n"
        "You have 2 open payments:\n"
        "\n"
        "- Monthly box (FERN-1 · November 3, 2026): $49.00\n"
        "- Fern Tea (November 3, 2026): $9.00\n"
        "\n"
        "Total: $58.00\n"
        "\n"
        "This link is yours alone and works for 7 days, so please don't forward it. You enter "
        "your card details at Stripe, our payment provider; they never reach us.\n"
        "\n"
        "Questions? Write to help@fern.example.\n"
        "\n"
        "Fern Tea\n"
        "\n"
        f"Stop these reminders: {UNSUBSCRIBE}\n"
    )


def test_a_failed_payment_is_told_word_for_word(merchant: Merchant) -> None:
    mail = rendered(
        merchant, "failed", description="Monthly box", card_brand="visa", card_last4="4242"
    )

    assert mail.subject == "Your payment to Fern Tea didn't go through"
    assert mail.text == (
        "Hello,\n"
        "\n"
        "We tried to collect your payment of $49.00 for Fern Tea, and it didn't go through. "
        "There wasn't enough money available.\n"
        "\n"
        "To settle it, please update your payment details. It takes about a minute, and nothing "
        "else changes.\n"
        "\n"
        "Update payment details:\n"
        f"{LINK}\n"
        "\n"
        "Amount: $49.00\n"
        "For: Monthly box\n"
        "Card: Visa ending in 4242\n"
        "Tried on: November 3, 2026\n"
        "\n"
        "This link is yours alone and works for 7 days, so please don't forward it. You enter "
        "your card details at Stripe, our payment provider; they never reach us.\n"
        "\n"
        "Questions? Write to help@fern.example.\n"
        "\n"
        "Fern Tea\n"
    )


def test_shipped_words_that_broke_are_an_error(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Words(subject="{{ nope }}", body="x", text="", button="x")
    monkeypatch.setattr(templates, "SHIPPED", {"en": {"failed": broken}})

    with pytest.raises(UnrenderableError, match=r"no variable \{\{ nope \}\}"):
        rendered(merchant, "failed")


@pytest.mark.parametrize("template", ["", "no_such_words", "../settings", "layout"])
def test_words_that_are_not_there_are_named(merchant: Merchant, template: str) -> None:
    with pytest.raises(UnrenderableError, match="KeyError"):
        rendered(merchant, template)


def test_a_currency_that_nobody_knows_is_still_written(merchant: Merchant) -> None:
    mail = rendered(merchant, "failed", currency="xqz")

    assert "XQZ49.00" in mail.text.replace("\xa0", "")


@pytest.mark.parametrize(("ink", "ground"), [(INK, "#f4f5f7"), (PALE, "#16181d")])
def test_a_logo_stands_for_the_name_and_says_it_where_no_picture_is_loaded(
    merchant: Merchant, settings: Settings, ink: tuple[int, ...], ground: str
) -> None:
    settings.PUBLIC_URL = "https://pay.example.com"
    merchant.product_name = 'Fern "Tea"'
    logos.put(merchant=merchant, given=file_of(wordmark(ink)))
    logo = shown(merchant)
    assert logo
    mail = rendered(merchant, "failed")

    (image,) = re.findall("<img[^>]*>", mail.html)
    assert f'src="https://pay.example.com{logo.path}"' in image
    assert 'alt="Fern &quot;Tea&quot;"' in image
    assert f"background-color:{ground};" in image
    assert "logo" not in mail.text


def test_without_a_logo_a_mail_loads_nothing_from_anywhere(merchant: Merchant) -> None:
    assert not re.search(r"<img|src=|url\(", rendered(merchant, "failed").html)
