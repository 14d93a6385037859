"""The preview in the back office: for who works for the merchant, and good for looking alone."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing_portal import previews
from billing_portal.page_words import PAGE_WORDS
from recovery import stripe_gateway
from recovery.models import Merchant, Role, User
from tests.back_office.people import log_in, log_in_superuser
from tests.builders import make_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def address(merchant: Merchant, page: str = "") -> str:
    return f"/admin/preview/{page}"


def both(merchant: Merchant) -> list[str]:
    return [address(merchant), address(merchant, "frame/")]


# --- who is let in ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role.values)
def test_who_works_for_the_merchant_sees_it(merchant: Merchant, role: str) -> None:
    client = log_in(merchant, role)

    assert [client.get(page).status_code for page in both(merchant)] == [200, 200]


def test_the_platforms_staff_sees_each_by_switching(merchant: Merchant) -> None:
    client, other = log_in_superuser(), make_merchant("Moss")

    for shown in (merchant, other):
        client.post("/admin/switch/", {"merchant": shown.public_id})
        assert shown.name in client.get(address(shown)).content.decode()
        assert client.get(address(shown, "frame/")).status_code == 200


def test_who_is_not_staff_is_sent_to_the_login(merchant: Merchant) -> None:
    customer = Client()
    customer.force_login(User.objects.create_user("customer@example.com", "x"))

    for client in (Client(), customer):
        for page in both(merchant):
            answer = client.get(page, {"state": "paid"})
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/?next=/admin/")


# --- good for looking alone -------------------------------------------------------------------


def test_a_preview_writes_nothing_and_asks_stripe_nothing(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("Stripe was asked.")

    monkeypatch.setattr(stripe_gateway, "of", refuse)
    client, tried = log_in(merchant), {"color": "#ffe94d", "product_name": "Moss & Co"}

    with CaptureQueriesContext(connection) as asked:
        for name, _heading in previews.states():
            for page in both(merchant):
                assert client.get(page, {"state": name, **tried}).status_code == 200, name

    assert [one["sql"] for one in asked if not one["sql"].startswith("SELECT")] == []
    kept = Merchant.objects.get()
    assert (kept.color, kept.product_name) == ("#1f5eff", "Fern Tea Club")


def test_the_frame_may_be_framed_by_us_and_do_nothing(merchant: Merchant) -> None:
    answer = log_in(merchant).get(address(merchant, "frame/"))

    policy = set(answer["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "frame-ancestors 'self'", "form-action 'none'"} <= policy
    assert "sandbox" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert "<script" not in answer.content.decode()


def test_the_chooser_frames_what_is_ours_alone_and_is_framed_by_nobody(merchant: Merchant) -> None:
    answer = log_in(merchant).get(address(merchant))

    policy = set(answer["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "frame-src 'self'", "frame-ancestors 'none'"} <= policy
    assert answer["X-Frame-Options"] == "DENY"
    assert "sandbox\n" in answer.content.decode()


def test_no_other_page_frames_or_is_framed(merchant: Merchant) -> None:
    client = log_in(merchant)

    for page in ("/admin/", "/fourthngoal/recover/update"):
        policy = client.get(page)["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "frame-src" not in policy


def test_a_frame_that_is_opened_by_itself_leads_to_where_it_is_marked(merchant: Merchant) -> None:
    answer = log_in(merchant).get(
        address(merchant, "frame/"), {"state": "paid", "language": "de"},
        headers={"Sec-Fetch-Dest": "document"},
    )  # fmt: skip

    assert (answer.status_code, answer["Location"]) == (
        302, f"{address(merchant)}?state=paid&language=de"
    )  # fmt: skip


def test_a_preview_is_only_fetched(merchant: Merchant) -> None:
    client = log_in(merchant)

    assert [client.post(page).status_code for page in both(merchant)] == [405, 405]


# --- what is shown ----------------------------------------------------------------------------


def test_what_is_chosen_is_what_the_frame_shows(merchant: Merchant) -> None:
    client = log_in(merchant)
    chosen = {
        "state": "back_partly", "language": "de", "theme": "dark", "width": "desk",
        "color": "#ffe94d", "product_name": 'Moss "&" Co',
    }  # fmt: skip

    page = client.get(address(merchant), chosen)
    frame = client.get(page.context["shown"]["address"]).content.decode()

    assert "<strong>Preview, not a customer’s page.</strong>" in page.content.decode()
    assert "What you try here is not saved." in page.content.decode()
    assert "#ffe94d would have 1.2:1, so black is used." in page.content.decode()
    assert '<iframe data-width="desk"' in page.content.decode()
    assert PAGE_WORDS["de"].pages["back_partly"].heading in frame
    assert "Moss &quot;&amp;&quot; Co" in frame
    assert "--accent: #ffe94d; --on-accent: #111111;" in frame
    assert "color-scheme: dark;" in frame


def test_what_is_not_chosen_is_as_usual(merchant: Merchant) -> None:
    page = log_in(merchant).get(address(merchant), {"state": "paid"})

    assert page.context["shown"]["address"] == (
        f"{address(merchant, 'frame/')}?state=paid&language=en&theme=&width=phone"
        "&color=&product_name="
    )
    assert "not saved" not in page.content.decode()
    assert "White text on #1f5eff has 5.1:1." in page.content.decode()


@pytest.mark.parametrize("name", ["forged", "unsubscribe_unknown"])
def test_a_page_of_an_unknown_link_names_no_merchant(merchant: Merchant, name: str) -> None:
    frame = log_in(merchant).get(address(merchant, "frame/"), {"state": name}).content.decode()

    assert "Fern" not in frame


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "no_such_page"), ("state", ""), ("language", "xx"), ("theme", "blue"),
        ("width", "1"), ("color", "red"), ("color", "#12345g"),
        ("color", "#ffffff;background:url(//x)"), ("product_name", "x" * 201),
    ],
)  # fmt: skip
def test_what_can_t_be_shown_is_said_and_not_shown(
    merchant: Merchant, field: str, value: str
) -> None:
    client = log_in(merchant)

    page = client.get(address(merchant), {field: value})
    frame = client.get(address(merchant, "frame/"), {field: value})

    assert list(page.context["form"].errors) == [field]
    assert "<iframe" not in page.content.decode()
    assert (frame.status_code, frame.content) == (400, b"There is no such preview.")
