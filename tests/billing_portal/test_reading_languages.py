"""In which language a page is shown, and how its reader changes that."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import languages, links
from billing_portal.languages import LANGUAGES
from billing_portal.models import PaymentUpdateLink
from billing_portal.page_words import PAGE_WORDS
from recovery.models import Customer, Merchant, RecoveryCase
from tests.billing_portal.visits import PAGE, Visit, stripe_customer
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.local_stripe import LocalStripe


@pytest.fixture
def case(db: None) -> RecoveryCase:
    make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    return RecoveryCase.objects.get()


def token_for(case: RecoveryCase, *, age: timedelta = timedelta(0)) -> str:
    return links.create(case=case, now=timezone.now() - age).partition("token=")[2]


def read(case: RecoveryCase, *, accepts: str = "", **query: str) -> Any:
    headers = {"Accept-Language": accepts} if accepts else {}
    return Client(headers=headers).get(PAGE, {"token": token_for(case), **query})


def switch(page: Any) -> dict[str, str]:
    """The addresses to which the page's language links lead, by language."""
    found = re.findall(r'<a href="([^"]*)" hreflang="(\w+)" lang="(\w+)"', page.content.decode())
    assert all(hreflang == lang for _url, hreflang, lang in found)
    return {lang: url.replace("&amp;", "&") for url, lang, _again in found}


@pytest.mark.parametrize(
    ("asked", "known", "accepts", "expected"),
    [
        ("", "", "", "en"),
        ("", "", "sv,fi;q=0.9", "en"),
        ("", "", "sv,nl;q=0.5,fr;q=0.9", "fr"),
        ("", "de-AT,en", "ja", "de"),
        ("", "sv", "ja", "ja"),
        ("it", "de", "ja", "it"),
        ("pt-BR", "de", "ja", "pt"),
        ("tlh", "de", "ja", "de"),
        ("../en", "", "ja", "ja"),
    ],
)
def test_what_is_asked_for_goes_before_what_stripe_knows_and_that_before_the_browser(
    case: RecoveryCase, asked: str, known: str, accepts: str, expected: str
) -> None:
    Customer.objects.update(locale=known)
    page = read(case, accepts=accepts, **({"lang": asked} if asked else {}))

    assert page["Content-Language"] == expected
    assert "Accept-Language" in page["Vary"]
    assert f'<html lang="{expected}" dir="ltr">' in page.content.decode()
    assert PAGE_WORDS[expected].pages["failed"].heading in page.content.decode()


def test_who_is_not_known_reads_the_browsers_language(case: RecoveryCase) -> None:
    RecoveryCase.objects.update(customer=None)
    assert read(case, accepts="es-MX")["Content-Language"] == "es"


def test_amounts_days_reasons_and_labels_are_the_readers(case: RecoveryCase) -> None:
    RecoveryCase.objects.update(
        failed_at="2026-11-03T12:00:00Z", invoice_number="F-1", card_brand="visa",
        card_last4="4242", description="Fern tea",
    )  # fmt: skip
    page = read(case, lang="de").content.decode()

    for text in [
        "49,00\xa0$", "3. November 2026", "Der verfügbare Betrag reichte nicht aus. Bitte",
        "Visa mit den Endziffern 4242", "<dt>Rechnung</dt>", "<bdi>F-1</bdi>", "Fern tea",
        "danach wird Ihre Karte mit 49,00\xa0$ belastet.",
        "Antworten Sie auf die E-Mail, die Sie hierher geführt hat",
    ]:  # fmt: skip
        assert text in page


def test_a_merchants_address_stands_where_the_language_has_it(case: RecoveryCase) -> None:
    Merchant.objects.update(support_email="help@fern.example")
    page = read(case, lang="ja").content.decode()

    assert re.search(
        r'ご不明な点は <a href="mailto:help@fern.example"><bdi>help@fern.example</bdi></a> まで',
        page,
    )


def test_the_switch_names_every_language_and_keeps_the_token(case: RecoveryCase) -> None:
    page = read(case, lang="nl")
    addresses = switch(page)

    assert list(addresses) == list(LANGUAGES)
    for language, address in addresses.items():
        again = Client().get(address)
        assert (again.status_code, again["Content-Language"]) == (200, language)
    assert page.content.decode().count('aria-current="true"') == 1
    assert 'lang="nl" rel="nofollow" aria-current="true">Nederlands</a>' in page.content.decode()
    assert '<nav aria-label="Taal">' in page.content.decode()


def test_a_forged_token_is_not_repeated(case: RecoveryCase) -> None:
    page = Client().get(PAGE, {"token": "x" * 5000, "lang": "fr"})

    assert "xxxx" not in page.content.decode()
    assert switch(page)["de"] == f"{PAGE}?lang=de"
    assert Client().get(switch(page)["de"]).status_code == 400
    back = Client().get(f"{PAGE}/return?r=x&lang=fr")
    assert (back.status_code, back["Content-Language"]) == (400, "fr")
    assert switch(back)["de"] == f"{PAGE}/return?lang=de"


def test_from_what_only_a_post_shows_the_switch_leads_to_the_page_before(
    case: RecoveryCase,
) -> None:
    token = token_for(case, age=links.LIFETIME)
    page = Client().post(f"{PAGE}/replace", {"token": token, "lang": "de"})

    assert page["Content-Language"] == "de"
    assert "Ein neuer Link ist unterwegs" in page.content.decode()
    assert switch(page)["en"] == f"{PAGE}?token={token}&lang=en"
    assert Client().get(switch(page)["en"]).status_code == 410


@pytest.mark.parametrize("age", [timedelta(0), links.LIFETIME])
def test_a_choice_is_carried_by_the_button_and_a_mere_guess_is_not(
    case: RecoveryCase, age: timedelta
) -> None:
    token, hidden = token_for(case, age=age), '<input type="hidden" name="lang" value="de">'
    chosen = Client().get(PAGE, {"token": token, "lang": "de"})
    guessed = Client(headers={"Accept-Language": "de"}).get(PAGE, {"token": token})

    assert hidden in chosen.content.decode()
    assert guessed["Content-Language"] == "de"
    assert "name=" in guessed.content.decode()
    assert hidden not in guessed.content.decode()


def test_what_came_too_late_keeps_its_way_back_in_the_switch(case: RecoveryCase) -> None:
    token_for(case)
    link, long_ago = PaymentUpdateLink.objects.get(), timezone.now() - links.RETURN_LIFETIME
    page = Client().get(f"{PAGE}/return?{links.return_url(link, now=long_ago).partition('?')[2]}")

    assert Client().get(switch(page)["it"]).status_code == 410
    assert "Questa pagina è scaduta" in Client().get(switch(page)["it"]).content.decode()


def test_a_language_that_is_written_from_the_right_is_shown_so(
    case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "RIGHT_TO_LEFT", frozenset({"nl"}))
    assert '<html lang="nl" dir="rtl">' in read(case, lang="nl").content.decode()


# --- to Stripe and back -----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("chosen", ["fr", ""])
def test_a_choice_goes_to_stripe_and_comes_back(
    local_stripe: LocalStripe, debt: RecoveryCase, chosen: str
) -> None:
    token = Visit(debt).token
    answer = Client().post(PAGE, {"token": token, "lang": chosen})
    asked = local_stripe.requests[-1].params
    back = urlsplit(asked["return_url"])
    local_stripe.scenarios.new_card(customer=stripe_customer(debt), reason="insufficient_funds")
    page = Client().get(f"{back.path}?{back.query}")

    assert answer.status_code == 303
    assert asked.get("locale", "") == chosen
    assert parse_qs(back.query).get("lang", [""]) == [chosen]
    assert page["Content-Language"] == (chosen or "en")
    assert ("Refusé" in page.content.decode()) == (chosen == "fr")
    assert ('name="lang" value="fr"' in page.content.decode()) == (chosen == "fr")
