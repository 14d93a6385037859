"""Merchants' own templates: kept if a mail can be made of them, refused with the reason if not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dunning.models import MessageTemplate
from dunning.wording import templates
from dunning.wording.templates import TemplateRefusedError
from dunning.wording.words import SHIPPED
from recovery.models import Merchant
from tests.builders import make_merchant

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
GOOD: dict[str, str] = {
    "name": "failed", "language": "en", "subject": "About {{ amount }}",
    "body": "<p>Please look at {{ product }}.</p>", "text": "", "button": "",
}  # fmt: skip


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def save(merchant: Merchant, **changes: Any) -> MessageTemplate:
    return templates.save(merchant=merchant, now=NOW, **GOOD | changes)


def test_a_template_is_kept_and_found(merchant: Merchant) -> None:
    kept = save(merchant, button=" Have a look ", text="Look at {{ link }}")
    found = templates.find(merchant=merchant, name="failed", language="en")

    assert (str(kept), kept.updated_at) == ("failed (en)", NOW)
    assert (found.subject, found.body) == (GOOD["subject"], GOOD["body"])
    assert (found.text, found.button) == ("Look at {{ link }}", "Have a look")


def test_a_template_takes_the_place_of_the_one_before(merchant: Merchant) -> None:
    save(merchant)
    save(merchant, subject="Another")

    assert MessageTemplate.objects.get().subject == "Another"


def test_what_no_database_can_hold_is_left_out(merchant: Merchant) -> None:
    kept = save(merchant, subject="a\x00b", body="<p>c\x00d</p>", text="e\ud800f")

    assert (kept.subject, kept.body, kept.text) == ("ab", "<p>cd</p>", "e\ufffdf")


def test_without_a_button_of_its_own_a_template_has_the_shipped_one(merchant: Merchant) -> None:
    save(merchant, language="de")
    found = templates.find(merchant=merchant, name="failed", language="de")

    assert found.button == "Zahlungsdaten aktualisieren"


def test_own_words_in_the_customers_language_come_before_shipped_ones_and_no_others_do(
    merchant: Merchant,
) -> None:
    save(merchant, language="en", subject="Mine")
    other = make_merchant("Other")
    found = {
        (name, language): templates.find(merchant=merchant, name=name, language=language).subject
        for name, language in (("failed", "en"), ("failed", "ja"), ("final", "en"))
    }

    assert found == {
        ("failed", "en"): "Mine",
        ("failed", "ja"): SHIPPED["ja"]["failed"].subject,
        ("final", "en"): SHIPPED["en"]["final"].subject,
    }
    theirs = templates.find(merchant=other, name="failed", language="en")
    assert theirs == SHIPPED["en"]["failed"]


def test_in_a_language_that_nobody_has_words_in_the_english_ones_are_found(
    merchant: Merchant,
) -> None:
    found = templates.find(merchant=merchant, name="failed", language="sv")

    assert found == SHIPPED["en"]["failed"]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("<p onclick='x()' style='color:red'>a</p><script>x()</script>", "<p>a</p>"),
        ("<div><h2>T</h2><table><tr><td>a</td></tr></table></div>", "<h2>T</h2>a"),
        ("<p>{% if debt_count > 1 %}a & b{% else %}c{% endif %}</p>",
         "<p>{% if debt_count > 1 %}a &amp; b{% else %}c{% endif %}</p>"),
        ('<a href="{{ link }}" target="_blank">pay</a>', '<a href="{{ link }}">pay</a>'),
        ('<a href="https://x.example/?n={{ invoice_number | default: "-" }}">x</a>',
         '<a href="https://x.example/?n={{ invoice_number | default: "-" }}">x</a>'),
        ('<a href="javascript:alert(1)">x</a><a href="mailto:jo@x.example">y</a>',
         '<a>x</a><a href="mailto:jo@x.example">y</a>'),
        ('<a href="/relative">x</a>', "<a>x</a>"),
        ("<p>\ue0000\ue001{{ amount }}</p>", "<p>0{{ amount }}</p>"),
        ("a<br>b <em>c</em> <strong>d</strong><ul><li>e</li></ul>",
         "a<br>b <em>c</em> <strong>d</strong><ul><li>e</li></ul>"),
    ],
)  # fmt: skip
def test_of_a_body_only_harmless_markup_is_kept(merchant: Merchant, body: str, kept: str) -> None:
    assert save(merchant, body=body).body == kept


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"name": "hello"}, "name", ("There is no message “hello”; there are failed, new_card, "
         "action, reminder, new_link, final.")),
        ({"language": "sv"}, "language", ("There is no language “sv”; there are en, de, fr, es, "
         "pt, it, nl, ja.")),
        ({"subject": ""}, "subject", "The subject is empty."),
        ({"subject": "a\nb"}, "subject", "The subject must be on one line."),
        ({"subject": "a\u2028b"}, "subject", "The subject must be on one line."),
        ({"subject": "x" * 301}, "subject", "The subject is longer than 300 characters."),
        ({"button": "x" * 101}, "button", "The button is longer than 100 characters."),
        ({"button": "a\nb"}, "button", "The button must be on one line."),
        ({"body": "<script>x</script>"}, "body", "The body is empty."),
        ({"body": "<p>{{ amount</p>"}, "body",
         "Line 1: {{ isn't closed by }} within 200 characters."),
        ({"body": "x" * 20_001}, "body", "The body is longer than 20,000 characters."),
        ({"body": "<div></div>" * 2000 + "x"}, "body",
         "The body is longer than 20,000 characters."),
        ({"body": "&" * 20_000}, "body", "The template is longer than 20,000 characters."),
        ({"text": "{% for x in y %}"}, "text",
         "Line 1: {% for %} isn't available in templates."),
        ({"subject": "{{ foo }}"}, "subject", ("Line 1: there is no variable {{ foo }}; there are "
         "amount, card, customer_name, debt_count, description, failed_on, invoice_number, link, "
         "product, reason, support_email, total.")),
        ({"body": "<p>Was your card stolen?</p>"}, "body",
         "“stolen” is nothing a customer may read of a payment: say that it was declined."),
        ({"body": "<p>{{ 'sto' | append: 'len' }}</p>"}, "body",
         "“stolen” is nothing a customer may read of a payment: say that it was declined."),
        ({"subject": "{{ 'lo' | append: 'st' }}"}, "subject",
         "“lost” is nothing a customer may read of a payment: say that it was declined."),
        ({"text": "Fraud"}, "text",
         "“Fraud” is nothing a customer may read of a payment: say that it was declined."),
        ({"language": "de", "button": "Gestohlen"}, "button",
         "“Gestohlen” is nothing a customer may read of a payment: say that it was declined."),
        ({"subject": "{{ card }}"}, "subject",
         "Nothing is left of the subject once it is filled in."),
        ({"text": "{{ card }}"}, "text", "Nothing is left of the text once it is filled in."),
        ({"button": "{{ card }}"}, "button",
         "Nothing is left of the button once it is filled in."),
        ({"body": "<p>{{ card }}</p>"}, "body",
         "Nothing is left of the body once it is filled in."),
        ({"body": "<p>{% if debt_count > 1 %}{{ product | truncate: 'x' }}{% endif %}a</p>"},
         "body", "Line 1: truncate expected an integer, found text."),
    ],
)  # fmt: skip
def test_what_no_mail_can_be_made_of_is_refused_and_nothing_is_kept(
    merchant: Merchant, changes: dict[str, str], field: str, why: str
) -> None:
    with pytest.raises(TemplateRefusedError) as refused:
        save(merchant, **changes)

    assert (refused.value.field, str(refused.value)) == (field, why)
    assert not MessageTemplate.objects.exists()


def test_every_shipped_message_can_be_kept_as_a_merchants_own(merchant: Merchant) -> None:
    for language, messages in SHIPPED.items():
        for name, words in messages.items():
            kept = save(
                merchant, language=language, name=name, subject=words.subject, body=words.body,
                button=words.button,
            )  # fmt: skip
            assert kept.body == words.body
    assert MessageTemplate.objects.count() == 48
