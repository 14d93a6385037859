"""A merchant's logo on the page, and where page and mails fetch it."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.logos import Logo, shown
from recovery import logos
from recovery.models import Merchant, MerchantLogo, RecoveryCase
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.drawings import INK, PALE, file_of, wordmark

pytestmark = pytest.mark.django_db


def page_of(merchant: Merchant) -> str:
    link = links.create(case=RecoveryCase.objects.get(merchant=merchant), now=timezone.now())
    page = Client().get(f"{links.UPDATE_PATH}?{link.partition('?')[2]}")
    assert page.status_code == 200
    return page.content.decode()


def with_a_debt(name: str = "Fern Tea") -> Merchant:
    merchant = make_merchant(name)
    receive(DOCUMENTED_EXAMPLE, merchant=merchant)
    return merchant


@pytest.mark.parametrize(
    ("sides", "in_css"),
    [
        ((480, 96), (240, 48)), ((96, 96), (48, 48)), ((480, 1), (240, 1)),
        ((100, 20), (100, 20)), ((300, 60), (240, 48)),
    ],
)  # fmt: skip
def test_a_logo_is_shown_sharp_and_never_blown_up(
    sides: tuple[int, int], in_css: tuple[int, int]
) -> None:
    merchant = make_merchant()
    logos.put(merchant=merchant, given=file_of(wordmark(sides=sides)))

    logo = shown(merchant)
    assert logo
    assert (logo.width, logo.height) == in_css


@pytest.mark.parametrize(("ink", "ground"), [(INK, "light"), (PALE, "dark")])
def test_the_page_has_the_logo_in_the_names_place_with_room_kept_for_it(
    ink: tuple[int, ...], ground: str
) -> None:
    merchant = with_a_debt('Fern "Tea"')
    logos.put(merchant=merchant, given=file_of(wordmark(ink)))
    page, digest = page_of(merchant), MerchantLogo.objects.get().digest

    (image,) = re.findall("<img[^>]*>", page)
    assert image == (
        f'<img src="/fourthngoal/recover/logo/{digest}.png" alt="Fern &quot;Tea&quot;" '
        f'width="240" height="48" class="on-{ground}">'
    )
    assert "<bdi>Fern" not in page


def test_without_a_logo_the_page_has_the_name_and_asks_for_no_picture() -> None:
    page = page_of(with_a_debt())

    assert "<bdi>Fern Tea</bdi>" in page
    assert "<img" not in page


def test_another_merchants_logo_is_on_its_own_pages_alone() -> None:
    merchant = with_a_debt()
    logos.put(merchant=make_merchant("Moss"), given=file_of(wordmark()))

    assert shown(merchant) is None
    assert "<img" not in page_of(merchant)


def fetched(logo: Logo | None) -> str:
    assert logo
    return logo.path


def test_a_logo_is_served_as_what_it_is_and_may_be_kept_forever() -> None:
    merchant = make_merchant()
    logos.put(merchant=merchant, given=file_of(wordmark()))
    answer = Client().get(fetched(shown(merchant)))

    assert answer.content == bytes(MerchantLogo.objects.get().content)
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert not answer.cookies
    assert "Vary" not in answer


def test_two_merchants_with_one_logo_share_its_address_until_the_last_gives_it_up() -> None:
    merchants = [make_merchant("Fern"), make_merchant("Moss")]
    for merchant in merchants:
        logos.put(merchant=merchant, given=file_of(wordmark()))
    (address,) = {fetched(shown(merchant)) for merchant in merchants}

    statuses = []
    for merchant in merchants:
        logos.remove(merchant=merchant)
        statuses.append(Client().get(address).status_code)
    assert statuses == [200, 404]


@pytest.mark.parametrize("name", ["0" * 64, "0" * 63, "%00" * 64, "A" * 64, "../../healthz", "é"])
def test_what_is_no_logo_of_anybody_is_not_there(name: str) -> None:
    answer = Client().get(f"/fourthngoal/recover/logo/{name}.png")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_logo_is_only_read() -> None:
    merchant = make_merchant()
    logos.put(merchant=merchant, given=file_of(wordmark()))

    for method in ("POST", "PUT", "DELETE"):
        assert Client().generic(method, fetched(shown(merchant))).status_code == 405
    assert Client().head(fetched(shown(merchant))).status_code == 200
    assert MerchantLogo.objects.exists()
