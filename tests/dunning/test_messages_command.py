"""Messages as files: looked at before they are saved, and shipped again at a word."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from billing_portal.languages import LANGUAGES
from dunning.models import MessageTemplate
from dunning.wording import message_files, templates
from dunning.wording.variables import VARIABLES
from dunning.wording.words import SHIPPED, TEMPLATES
from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.mails import merchant, rendered

__all__ = ["merchant"]  # a fixture

pytestmark = pytest.mark.django_db
OWN = """\
subject = "{{ product }}: {{ amount }} is open"
button = "Pay now"
body = '''
<p>Hi {{ customer_name | default: "there" }},</p>
<p>{% if debt_count > 1 %}{{ total }} in all.{% else %}{{ reason }}{% endif %}</p>'''
text = ""
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "failed.toml"
    path.write_text(OWN)
    return path


def run(merchant: Merchant, action: str, *arguments: object) -> str:
    printed = io.StringIO()
    words = [str(argument) for argument in arguments]
    call_command("messages", action, *words, "--merchant", merchant.public_id, stdout=printed)
    return printed.getvalue()


def refused(merchant: Merchant, action: str, *arguments: object) -> str:
    before = list(MessageTemplate.objects.order_by("id").values())
    with pytest.raises(CommandError) as error:
        run(merchant, action, *arguments)
    assert list(MessageTemplate.objects.order_by("id").values()) == before
    return str(error.value)


def test_a_message_goes_from_a_file_to_the_customer_and_back_to_a_file(
    merchant: Merchant, file: Path
) -> None:
    said = run(merchant, "save", "failed", "en", "--file", file)

    assert said == "failed (en) is written in Fern Tea Club's own words from now on.\n"
    assert run(merchant, "export", "failed", "en") == OWN
    mail = rendered(merchant, "failed", locale="en", code="expired_card")
    assert mail.subject == "Fern Tea: $49.00 is open"
    assert mail.text.startswith("Hello,\n\nHi Jo,\n\nThe card has expired.\n\nPay now:\n")

    assert run(merchant, "restore", "failed", "en") == (
        "failed (en) is written in the shipped words again.\n"
    )
    assert rendered(merchant, "failed").subject == "Your payment to Fern Tea didn't go through"
    assert run(merchant, "restore", "failed", "en") == (
        "failed (en) is written in the shipped words already.\n"
    )


def test_what_is_listed_is_shipped_or_the_merchants_own_since_its_day(
    merchant: Merchant, file: Path
) -> None:
    lines = run(merchant, "list").splitlines()
    assert lines[0].split() == list(LANGUAGES)
    assert [line.split() for line in lines[1:]] == [[name] + ["shipped"] * 8 for name in TEMPLATES]

    run(merchant, "save", "action", "de", "--file", file)
    MessageTemplate.objects.update(updated_at="2026-11-24T23:30:00Z")
    Merchant.objects.update(time_zone="Europe/Berlin")

    lines = run(merchant, "list").splitlines()
    assert lines[3].split() == ["action", "shipped", "2026-11-25"] + ["shipped"] * 6
    assert lines[-1] == "A date: the merchant's own words, since then."
    assert "2026" not in run(make_merchant("Moss"), "list")


def test_every_variable_is_shown_with_a_sample_and_whether_it_may_be_empty() -> None:
    printed = io.StringIO()
    call_command("messages", "variables", stdout=printed)

    lines = printed.getvalue().splitlines()
    assert len(lines) == 2 * len(VARIABLES) + 1
    assert lines[:2] == [
        "{{ product }}: Fern Tea", "  What the customer knows the product as.",
    ]  # fmt: skip
    at = lines.index("{{ card }}: Visa ending in 4242")
    assert lines[at + 1] == "  The card that was charged, if it was one. May be empty."
    assert lines[-1] == (
        "Filters: append, capitalize, default, downcase, prepend, truncate, upcase"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_shipped_message_is_exported_and_saved_as_it_is(
    merchant: Merchant, tmp_path: Path, name: str, language: str
) -> None:
    exported = tmp_path / "exported.toml"
    exported.write_text(run(merchant, "export", name, language), encoding="utf-8")
    assert message_files.read(exported.read_text(encoding="utf-8")) == SHIPPED[language][name]

    run(merchant, "save", name, language, "--file", exported)

    found = templates.find(merchant=merchant, name=name, language=language)
    assert found == SHIPPED[language][name]


# --- preview ------------------------------------------------------------------------------------


def test_a_message_is_looked_at_before_it_is_saved(merchant: Merchant, file: Path) -> None:
    lines = run(merchant, "preview", "failed", "en", "--file", file).splitlines()

    assert lines[0] == "Fern Tea: $49.00 is open"
    assert lines[2:6] == ["Hello,", "", "Hi Jo Miller,", ""]
    assert "Invoice: FERN-0001" in lines
    assert "Questions? Write to help@fern.example." in lines
    assert not MessageTemplate.objects.exists()
    assert not RecoveryCase.objects.exists()


def test_without_a_file_the_words_that_hold_are_shown(merchant: Merchant, file: Path) -> None:
    before = run(merchant, "preview", "failed", "en").splitlines()[0]
    run(merchant, "save", "failed", "en", "--file", file)
    after = run(merchant, "preview", "failed", "en").splitlines()[0]

    assert before == "Your payment to Fern Tea didn't go through"
    assert after == "Fern Tea: $49.00 is open"


def test_a_preview_of_several_debts_lists_them(merchant: Merchant, file: Path) -> None:
    shown = run(merchant, "preview", "failed", "en", "--file", file, "--several")

    assert "$147.00 in all." in shown
    assert "You have 3 open payments:" in shown
    assert shown.count("- Monthly box (FERN-0001") == 3


def test_a_preview_is_in_its_language_and_in_the_merchants_currency(merchant: Merchant) -> None:
    Merchant.objects.update(currency="jpy")
    shown = run(merchant, "preview", "failed", "ja")

    assert "￥4,900" in shown
    assert shown.startswith(SHIPPED["ja"]["failed"].subject.replace("{{ product }}", "Fern Tea"))


def test_a_file_without_a_button_is_shown_with_the_shipped_one(
    merchant: Merchant, file: Path
) -> None:
    file.write_text(OWN.replace("Pay now", ""))
    assert "\nUpdate payment details:\n" in run(
        merchant, "preview", "failed", "en", "--file", file
    )


def test_a_preview_for_a_browser_is_the_mail_itself(merchant: Merchant, tmp_path: Path) -> None:
    out = tmp_path / "preview.html"
    said = run(merchant, "preview", "final", "de", "--out", out)

    page = out.read_text(encoding="utf-8")
    subject = run(merchant, "preview", "final", "de").splitlines()[0]
    assert said == f"“{subject}” is in {out}; open it in a browser.\n"
    assert page.startswith('<!DOCTYPE html>\n<html lang="de"')
    assert "https://pay.example.com/fourthngoal/recover/unsubscribe?token=sample" in page


def test_words_that_fit_no_longer_are_said_to(merchant: Merchant, file: Path) -> None:
    run(merchant, "save", "failed", "en", "--file", file)
    MessageTemplate.objects.update(text="{{ gone }}")

    said = refused(merchant, "preview", "failed", "en")
    assert said.startswith("text: Line 1: there is no variable {{ gone }}; there are amount,")


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["save", "preview"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("subject = ", "That is no TOML: "),
        ("headline = 'x'", "There is no 'headline', only subject, button, body, text."),
        ("subject = 'x'", "body: The body is empty."),
        (OWN.replace("amount", "sum"), "subject: Line 1: there is no variable {{ sum }}; there"),
        (OWN.replace("Hi", "Stolen? Hi"),
         "body: “Stolen” is nothing a customer may read of a payment"),
        (OWN.replace("{% endif %}", ""), "body: Expected tag endif, but the template ended."),
    ],
)  # fmt: skip
def test_a_file_that_no_mail_can_be_made_of_is_refused_and_changes_nothing(
    merchant: Merchant, file: Path, action: str, text: str, sentence: str
) -> None:
    run(merchant, "save", "failed", "en", "--file", file)
    file.write_text(text)

    assert refused(merchant, action, "failed", "en", "--file", file).startswith(sentence)


@pytest.mark.parametrize("action", ["export", "save", "preview", "restore"])
def test_a_message_or_language_that_is_not_there_is_said_in_a_sentence(
    merchant: Merchant, file: Path, action: str
) -> None:
    with_file = ["--file", file] if action == "save" else []

    assert refused(merchant, action, "hello", "en", *with_file) == (
        "name: There is no message “hello”; there are failed, new_card, action, reminder, "
        "new_link, final."
    )
    assert refused(merchant, action, "failed", "sv", *with_file) == (
        "language: There is no language “sv”; there are en, de, fr, es, pt, it, nl, ja."
    )


def test_files_that_cannot_be_read_or_written_are_named(merchant: Merchant, file: Path) -> None:
    assert refused(merchant, "save", "failed", "en", "--file", "nowhere.toml") == (
        "nowhere.toml can't be read: [Errno 2] No such file or directory: 'nowhere.toml'."
    )
    file.write_bytes(b"subject = \xff")
    assert "can't be read: " in refused(merchant, "preview", "failed", "en", "--file", file)
    folder = file.parent
    assert f"{folder} can't be written: " in refused(
        merchant, "preview", "failed", "en", "--out", folder
    )


def test_one_merchants_words_are_not_anothers_to_restore(merchant: Merchant, file: Path) -> None:
    run(merchant, "save", "failed", "en", "--file", file)
    other = make_merchant("Moss")

    assert "already" in run(other, "restore", "failed", "en")
    assert run(other, "export", "failed", "en") != OWN
    assert MessageTemplate.objects.get().merchant == merchant


def test_nobodys_messages_are_refused() -> None:
    with pytest.raises(CommandError, match=r"There is no merchant mer_none\."):
        call_command("messages", "list", "--merchant", "mer_none")
