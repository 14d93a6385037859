"""A customer's page, what is kept about them as a file, and their erasure."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from billing_portal import links
from dunning.mail import messages
from recover_project.back_office.demo import filling
from recover_project.back_office.demo import rows as demo_rows
from recover_project.back_office.models import SavedView
from recovery import operator_charges
from recovery.models import Customer, Merchant, RecoveryCase, Role, StripeEvent, User
from tests.back_office.people import log_in, log_in_superuser
from tests.builders import make_merchant, receive
from tests.dunning.people import CANARIES, EMAIL, NAME, failure, live, whereabouts

pytestmark = pytest.mark.django_db
CONFIRMED = {"confirmed": "yes"}


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def page(customer: Customer, what: str) -> str:
    return f"/admin/customers/{customer.pk}/{what}/"


def own_page(customer: Customer) -> str:
    return f"/admin/recovery/customer/{customer.pk}/change/"


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


# --- pages ------------------------------------------------------------------------------------


def test_a_customers_page_says_what_is_known_and_leads_to_the_cases(merchant: Merchant) -> None:
    customer = live(merchant)

    shown = read(log_in(merchant, Role.OPERATOR), own_page(customer))

    case = RecoveryCase.objects.get()
    assert EMAIL in shown
    assert "Metadata: pet" in shown
    assert f"/admin/recovery/recoverycase/{case.pk}/change/" in shown


@pytest.mark.parametrize(
    ("role", "exports", "erases"),
    [(Role.VIEWER, False, False), (Role.OPERATOR, True, False), (Role.OWNER, True, True)],
)
def test_each_is_offered_what_they_may_do(
    merchant: Merchant, role: str, exports: bool, erases: bool
) -> None:
    customer, client = live(merchant), log_in(merchant, role)
    case = f"/admin/recovery/recoverycase/{RecoveryCase.objects.get().pk}/change/"

    for shown in (read(client, own_page(customer)), read(client, case)):
        assert ("Export what is kept" in shown, "Erase this person" in shown) == (exports, erases)
    assert client.post(page(customer, "export")).status_code == (200 if exports else 403)
    assert client.get(page(customer, "erase")).status_code == (200 if erases else 403)


def test_the_file_is_saved_under_the_id_and_the_record_says_who_has_it(
    merchant: Merchant,
) -> None:
    customer = live(merchant)

    answer = log_in(merchant, Role.OPERATOR).post(page(customer, "export"))

    told = json.loads(answer.content)
    assert answer["Content-Disposition"] == 'attachment; filename="cus_1.json"'
    assert "no-store" in answer["Cache-Control"]
    assert (told["customer"]["name"], len(told["cases"])) == (NAME, 1)
    entry = LogEntry.objects.latest("id")
    assert (str(entry.actor), entry.object_repr) == ("jo@example.com", "cus_1")
    assert entry.changes == {"person": ["", "exported"]}


def test_what_goes_and_what_stays_is_read_before_it_is_done(merchant: Merchant) -> None:
    customer = live(merchant)
    live(merchant, customer="cus_2", invoice="in_2")
    receive(failure("in_9"))
    client = log_in(merchant, Role.OWNER)

    shown = " ".join(read(client, page(customer, "erase")).split())

    assert "<strong>Zanzibar Quill</strong> goes" in shown
    assert "<dt>Cases</dt> <dd>2</dd>" in shown
    assert "1 case still open" in shown
    assert ">cus_2</a>" in shown
    assert Customer.objects.get(pk=customer.pk).name == NAME


def test_an_owner_erases_and_the_record_says_so_without_a_name(merchant: Merchant) -> None:
    customer, client = live(merchant), log_in(merchant, Role.OWNER)
    client.post(page(customer, "export"))

    answer = client.post(page(customer, "erase"), CONFIRMED)

    assert answer["Location"] == own_page(customer)
    shown = read(client, own_page(customer))
    assert "This person was erased" in shown
    assert "Erase this person" not in shown
    entry = LogEntry.objects.latest("id")
    assert (str(entry.actor), entry.object_repr) == ("jo@example.com", "cus_1")
    assert entry.changes is not None
    assert entry.changes["person"] == ["known", "erased"]
    assert "cases: 1" in entry.changes["rows"][1]
    assert "person" in read(client, "/admin/changes/")
    assert [one for one in whereabouts() if "auditlog" in one or "session" in one] == []


def test_a_second_click_is_told_so_and_changes_nothing(merchant: Merchant) -> None:
    customer, client = live(merchant), log_in(merchant, Role.OWNER)
    client.post(page(customer, "erase"), CONFIRMED)
    count = LogEntry.objects.count()

    answer = client.post(page(customer, "erase"), CONFIRMED, follow=True)

    assert "The person was erased already." in answer.content.decode()
    assert "This person is erased already." in read(client, page(customer, "erase"))
    assert LogEntry.objects.count() == count


def test_open_cases_say_no_until_it_is_said_that_they_are_given_up(merchant: Merchant) -> None:
    receive(failure("in_1"))
    customer, client = Customer.objects.get(), log_in(merchant, Role.OWNER)

    answer = client.post(page(customer, "erase"), CONFIRMED, follow=True)
    assert "Nobody was erased: 1 case is still open" in answer.content.decode()
    assert Customer.objects.get().name == NAME

    client.post(page(customer, "erase"), {**CONFIRMED, "closes": "on"})
    assert (Customer.objects.get().name, RecoveryCase.objects.get().status) == ("", "lost")


def test_a_form_that_is_not_confirmed_is_only_shown(merchant: Merchant) -> None:
    customer = live(merchant)

    assert log_in(merchant, Role.OWNER).post(page(customer, "erase")).status_code == 200
    assert Customer.objects.get().name == NAME


def test_views_that_look_for_the_person_go_and_others_stay(merchant: Merchant) -> None:
    customer, client = live(merchant), log_in(merchant, Role.OWNER)
    for name, query in (("Hers", f"q={EMAIL}"), (NAME, "q=x"), ("Lost", "status__exact=lost")):
        SavedView.objects.create(
            merchant=merchant, user=User.objects.get(), name=name, query=query,
            created_at=timezone.now(),
        )  # fmt: skip

    client.post(page(customer, "erase"), CONFIRMED)

    assert list(SavedView.objects.values_list("name", flat=True)) == ["Lost"]


def test_a_short_name_takes_no_view_along_that_only_has_its_letters(merchant: Merchant) -> None:
    customer, client = live(merchant), log_in(merchant, Role.OWNER)
    Customer.objects.update(name="Op")
    for name, query in (("Open", "status__exact=open"), ("Hers", "q=op")):
        SavedView.objects.create(
            merchant=merchant, user=User.objects.get(), name=name, query=query,
            created_at=timezone.now(),
        )  # fmt: skip

    client.post(page(customer, "erase"), CONFIRMED)

    assert list(SavedView.objects.values_list("name", flat=True)) == ["Open"]


def test_lists_and_pages_of_what_is_left_say_that_it_is_forgotten(merchant: Merchant) -> None:
    customer, client = live(merchant), log_in_superuser()
    client.post(page(customer, "erase"), CONFIRMED)
    case, message = RecoveryCase.objects.get(), customer.cases.get().messages.get()

    pages = {
        f"/admin/recovery/recoverycase/{case.pk}/change/": "What it said is forgotten",
        f"/admin/messages/{message.public_id}/": "What it said was forgotten",
        "/admin/dunning/dunningmessage/": "forgotten",
        "/admin/recovery/customer/": "cus_1",
    }

    for path, said in pages.items():
        shown = read(client, path)
        assert said in shown
        assert re.findall(r"erased:[0-9a-f]{8}", shown) == []
        assert [one for one in CANARIES if one in shown.lower()] == []


def test_whom_a_mail_went_to_is_still_shown_when_what_it_said_is_forgotten(
    merchant: Merchant,
) -> None:
    message = live(merchant).cases.get().messages.get()
    messages.forget_contents([message.pk], now=timezone.now())

    shown = read(log_in_superuser(), f"/admin/messages/{message.public_id}/")

    assert "What it said was forgotten" in shown
    assert message.recipient in shown
    assert "<dt>Subject</dt>" not in shown


# --- commands ---------------------------------------------------------------------------------


def run(command: str, merchant: Merchant, *options: Any, customer: str = "cus_1") -> str:
    out = StringIO()
    call_command(
        command, "--merchant", merchant.public_id, "--customer", customer, *options, stdout=out
    )
    return out.getvalue()


def test_the_command_says_what_there_is_and_erases_it(merchant: Merchant) -> None:
    live(merchant)

    told = run("erase_customer", merchant)

    assert told.splitlines()[0] == "cases                     1"
    assert "open cases                0" in told
    assert told.endswith("The person is erased.\n")
    assert list(whereabouts()) == []
    assert StripeEvent.objects.exclude(payload="").count() == 0
    assert run("erase_customer", merchant).endswith("The person was erased already.\n")
    assert LogEntry.objects.latest("id").actor is None


def test_a_dry_run_erases_nothing(merchant: Merchant) -> None:
    live(merchant)

    told = run("erase_customer", merchant, "--dry-run")

    assert told.endswith("Nothing was erased: this was a dry run.\n")
    assert Customer.objects.get().name == NAME


def test_the_command_says_no_as_the_page_does(merchant: Merchant) -> None:
    receive(failure("in_1"))
    case = RecoveryCase.objects.get()

    with pytest.raises(CommandError) as refused:
        run("erase_customer", merchant)

    assert str(refused.value) == (
        f"Nobody was erased: 1 case is still open ({case.public_id}); to erase the person is to "
        "give them up. Say --close-open-cases to do that."
    )
    run("erase_customer", merchant, "--close-open-cases")
    assert RecoveryCase.objects.get().status == "lost"


def test_who_is_being_written_to_is_erased_a_minute_later(merchant: Merchant) -> None:
    live(merchant).cases.get().messages.update(
        state="sending", sent_at=None, claimed_at=timezone.now()
    )

    with pytest.raises(CommandError, match=r"try again in a minute\.$"):
        run("erase_customer", merchant)


@pytest.mark.parametrize("customer", ["cus_none", "nobody@example.com", ""])
@pytest.mark.parametrize("command", ["erase_customer", "export_customer"])
def test_nobody_is_found_by_what_is_another_merchants_or_nothing(
    merchant: Merchant, command: str, customer: str
) -> None:
    live(make_merchant("Moss"), customer="cus_none")

    with pytest.raises(CommandError, match=r"^Fern Tea Club has no such customer\.$"):
        run(command, merchant, customer=customer)


def test_a_guest_is_called_by_the_address(merchant: Merchant) -> None:
    receive(failure("in_1", customer=None))

    run("erase_customer", merchant, "--close-open-cases", customer=EMAIL.title())

    assert list(whereabouts()) == []


def test_what_is_kept_is_printed_or_written_for_its_owner_alone(
    merchant: Merchant, tmp_path: Path
) -> None:
    live(merchant)
    file = tmp_path / "person.json"

    printed = json.loads(run("export_customer", merchant))
    told = run("export_customer", merchant, "--to", file)

    assert told == f"{file}: 1 cases, 3 Stripe events.\n"
    written = json.loads(file.read_text())
    assert {**written, "exported_at": ""} == {**printed, "exported_at": ""}
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="is there already"):
        run("export_customer", merchant, "--to", file)
    with pytest.raises(CommandError, match="can't be written"):
        run("export_customer", merchant, "--to", tmp_path / "nowhere" / "person.json")


def test_for_whom_was_erased_no_link_is_made_and_no_card_charged(merchant: Merchant) -> None:
    live(merchant)
    run("erase_customer", merchant, "--close-open-cases")
    RecoveryCase.objects.update(status="lost")
    case = RecoveryCase.objects.get()

    with pytest.raises(links.NoLinkError, match="was erased"):
        links.create_by_hand(case=case, once="x", actor="jo", now=timezone.now())
    result = operator_charges.charge(case=case, step="x", actor="jo", now=timezone.now())

    assert (result.outcome, result.rule) == ("refused", "who owes was erased")


def test_made_up_cases_go_with_the_others_though_their_person_was_erased(
    merchant: Merchant,
) -> None:
    filling.fill(merchant, now=timezone.now(), count=5)
    customer = Customer.objects.earliest("id")

    run("erase_customer", merchant, "--close-open-cases", customer=customer.stripe_customer_id)

    assert demo_rows.is_made_up(customer.cases.all()[0])
    assert demo_rows.remove(merchant) == 5
    assert Customer.objects.count() == 0
