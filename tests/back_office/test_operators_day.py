"""An operator's day in a real browser: on a desk and on a phone, in both themes."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from recovery import timeline
from recovery.models import OperatorTask, RecoveryCase
from recovery.timeline import Kind
from tests.back_office.browsing import PHONE, browser, person_at
from tests.back_office.people import log_in, make_world

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
LIST = "/admin/recovery/recoverycase/"


def test_a_case_is_found_read_and_worked(browser: Browser, live_server: LiveServer) -> None:
    jo = person_at(browser, live_server, log_in(make_world("fern")))
    page = jo.go("/admin/")

    page.get_by_role("navigation", name="Back office").get_by_role("link", name="Cases").click()
    page.get_by_role("searchbox").fill("fern@ex")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="fern@example.com").click()
    assert page.get_by_role("heading", level=1).inner_text() == "fern@example.com, $49.00"
    page.get_by_role("listitem").filter(has_text="was declined").get_by_text("Why").click()
    assert page.get_by_text("decline_code expired_card").is_visible()

    page.get_by_role("button", name="Add note").click()
    page.get_by_label("Note").fill("Called; she pays on Friday.")
    page.get_by_role("button", name="Add note").dblclick()
    page.get_by_text("Called; she pays on Friday.").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Until").fill("2999-01-01")
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("The pause ends.").wait_for()
    page.get_by_role("button", name="Done").click()
    page.get_by_text("The task is done.").wait_for()

    case = RecoveryCase.objects.get()
    assert case.is_paused
    assert case.timeline.filter(kind="note").count() == 1
    assert OperatorTask.objects.get().done_at
    assert (jo.complaints, jo.elsewhere) == ([], [])


def test_why_a_case_is_not_charged_is_read_and_the_customer_written_to(
    browser: Browser, live_server: LiveServer
) -> None:
    ours = make_world("fern")
    ours.stripe.api_key = ""
    ours.stripe.save()
    jo = person_at(browser, live_server, log_in(ours))
    page = jo.see(f"{LIST}?q=fern%40example.com", size=PHONE)
    page.get_by_role("link", name="fern@example.com").click()

    page.get_by_role("button", name="Charge now").click()
    page.get_by_text("Stripe is not connected").wait_for()
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Write now").click()
    page.get_by_role("button", name="Write now").dblclick()
    page.get_by_text("A mail with a new link is on its way").wait_for()
    page.get_by_role("button", name="Make a link").dblclick()
    assert "token=" in page.get_by_label("The link for fern@example.com").input_value()

    case = RecoveryCase.objects.get()
    assert case.messages.exclude(asked_for_by="").count() == 1
    assert case.timeline.filter(kind="link_made").count() == 1
    assert (jo.complaints, jo.elsewhere) == ([], [])


def test_a_search_is_kept_found_again_and_deleted(
    browser: Browser, live_server: LiveServer
) -> None:
    jo = person_at(browser, live_server, log_in(make_world("fern")))
    page = jo.go(f"{LIST}?q=fern")

    page.get_by_label("Keep this filter and search as").fill("Fern’s")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_role("link", name="Fern’s").click()
    page.get_by_text("“Fern’s” is one of your own views.").wait_for()
    jo.assert_fine(f"{LIST}?q=fern")
    page.get_by_role("button", name="Delete this view").click()
    page.get_by_text("The view is deleted.").wait_for()

    assert page.get_by_role("link", name="Fern’s").count() == 0


def test_on_a_phone_the_menu_opens_and_a_case_is_given_up(
    browser: Browser, live_server: LiveServer
) -> None:
    jo = person_at(browser, live_server, log_in(make_world("fern")))
    page = jo.see("/admin/", size=PHONE)

    page.get_by_role("button", name="Show or hide the menu").click()
    page.get_by_role("navigation", name="Back office").get_by_role("link", name="Cases").click()
    page.get_by_role("link", name="fern@example.com").click()
    page.get_by_role("button", name="Give up").click()
    page.get_by_label("Why").fill("Left the country.")
    page.get_by_role("button", name="Give up").click()
    page.get_by_text("The case is given up.").wait_for()

    assert RecoveryCase.objects.get().status == "lost"


def test_many_are_paused_from_the_list(browser: Browser, live_server: LiveServer) -> None:
    jo = person_at(browser, live_server, log_in(make_world("fern")))
    page = jo.go(LIST)

    page.get_by_role("checkbox", name="Select record").check()
    page.get_by_role("combobox").select_option("pause")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("1 case").first.wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("The case is paused.").wait_for()

    assert RecoveryCase.objects.get().is_paused


def test_every_page_of_the_work_is_fine(browser: Browser, live_server: LiveServer) -> None:
    jo = person_at(browser, live_server, log_in(make_world("fern")))
    case = RecoveryCase.objects.get()
    message = case.messages.get()

    against = {"alternatives": [{"rule": "another", "source": "there"}], "amount": 4900}
    timeline.append(
        case=case, kind=Kind.ATTEMPT_REFUSED, summary="Not charged: Visa forbids it.", once="test",
        at=timezone.now(), rule="Visa forbids it", source="Visa Core Rules", facts=against,
    )  # fmt: skip

    pages = [
        LIST, f"{LIST}?q=nobody", f"{LIST}?view=value", f"{LIST}{case.pk}/change/",
        f"/admin/messages/{message.public_id}/", "/admin/recovery/operatortask/",
    ]  # fmt: skip

    for path in pages:
        jo.assert_fine(path)


def test_the_summary_of_what_will_be_done_is_fine(
    browser: Browser, live_server: LiveServer
) -> None:
    jo = person_at(browser, live_server, log_in(make_world("fern")))

    for name in ("Charge now", "Pause", "Change campaign", "Give up"):
        page = jo.go(f"{LIST}{RecoveryCase.objects.get().pk}/change/")
        page.get_by_role("button", name=name).click()
        page.get_by_role("heading", level=1, name=name).wait_for()
        assert jo.breaks() == []
