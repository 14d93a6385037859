"""Settings → Team: a colleague is invited by one mail, given another role, and let go at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from recovery.models import Membership, Merchant, Role, User
from tests.back_office.people import PASSWORD, log_in
from tests.back_office.settings.filling_in import address, refused, send
from tests.builders import make_merchant

pytestmark = pytest.mark.django_db
EMAIL = "mo@example.com"
COMES_IN = "mo@example.com may come in: a mail says how."


@pytest.fixture(autouse=True)
def _mail_goes_nowhere(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def owner(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER)


def invite(owner: Client, email: str = EMAIL, role: str = Role.OPERATOR) -> list[str]:
    return send(owner, "_team_invite", email=email, role=role)


def membership(email: str = EMAIL) -> Membership:
    return Membership.objects.get(user__email=email)


def link() -> str:
    """The way that the last mail shows."""
    found = re.search(r"http\S+", str(mail.outbox[-1].body))
    assert found is not None
    return found.group()


def choose_password(path: str) -> Any:
    client = Client()
    page = client.get(path, follow=True)
    where = page.redirect_chain[-1][0] if page.redirect_chain else path
    return client.post(where, {"password1": "quite another phrase", "password2": "quite another "
                               "phrase"})  # fmt: skip


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


# --- invited -----------------------------------------------------------------------------------


def test_who_is_invited_gets_one_mail_and_chooses_a_password(
    merchant: Merchant, owner: Client, settings: Settings
) -> None:
    assert invite(owner) == [COMES_IN]

    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([EMAIL], "You work for Fern Tea Club on Recover")
    assert "jo@example.com lets you work for Fern Tea Club on Recover, as operator." in sent.body
    assert "works for 3 days" in sent.body
    assert link().startswith(f"{settings.PUBLIC_URL}/admin/account/password/reset/key/")

    choose_password(path_of(link()))

    client = Client()
    assert client.login(username=EMAIL, password="quite another phrase")
    assert client.get("/admin/").status_code == 200


def test_a_link_is_good_once_and_for_three_days(
    merchant: Merchant, owner: Client, settings: Settings
) -> None:
    invite(owner)
    late = path_of(link())
    settings.PASSWORD_RESET_TIMEOUT = -1
    choose_password(late)
    assert not User.objects.get(email=EMAIL).has_usable_password()

    settings.PASSWORD_RESET_TIMEOUT = timedelta(days=3).total_seconds()
    choose_password(late)
    first = User.objects.get(email=EMAIL).password
    choose_password(late)

    assert User.objects.get(email=EMAIL).password == first


def test_who_has_a_password_is_told_to_log_in_and_keeps_it(
    merchant: Merchant, owner: Client
) -> None:
    log_in(make_merchant("Moss"), Role.OWNER, EMAIL)

    invite(owner)

    assert "Log in as usual:" in mail.outbox[-1].body
    assert path_of(link()) == "/admin/"
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)


def test_a_name_that_isn_t_one_line_makes_no_other_header(
    merchant: Merchant, owner: Client
) -> None:
    Merchant.objects.update(name="Fern\r\nBcc: all@example.com")

    invite(owner)

    assert mail.outbox[-1].subject == "You work for Fern Bcc: all@example.com on Recover"
    assert mail.outbox[-1].recipients() == [EMAIL]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "", "role": "viewer"}, "email"),
        ({"email": "mo@example.com\nBcc: a@b.de", "role": "viewer"}, "email"),
        ({"email": "jo@example.com", "role": "viewer"}, "email"),
        ({"email": EMAIL, "role": "god"}, "role"),
    ],
)
def test_who_can_t_be_invited_gets_no_mail(
    merchant: Merchant, owner: Client, fields: dict[str, str], field: str
) -> None:
    assert list(refused(owner, "_team_invite", **fields)) == [field]

    assert mail.outbox == []
    assert Membership.objects.count() == 1


def test_a_mail_that_could_not_go_is_said_and_sent_again(
    merchant: Merchant, owner: Client, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    said = invite(owner)
    assert said == ["mo@example.com may come in, but no mail could be sent. Send it again later."]

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send(owner, "_team_invite_again", membership().pk) == [COMES_IN]


def test_an_address_gets_one_mail_a_minute(merchant: Merchant, owner: Client) -> None:
    invite(owner)

    said = send(owner, "_team_invite_again", membership().pk)

    assert said == ["mo@example.com was written to a moment ago: wait a minute."]
    assert len(mail.outbox) == 1


# --- roles and leaving -------------------------------------------------------------------------


def test_a_role_is_changed_with_the_next_request(merchant: Merchant, owner: Client) -> None:
    operator = log_in(merchant, Role.OPERATOR, EMAIL)
    assert operator.get(address("_keys")).status_code == 403

    said = send(owner, "_team_role", membership().pk, role="owner")

    assert said == ["mo@example.com is now owner."]
    assert operator.get(address("_keys")).status_code == 200


def test_who_is_removed_sees_nothing_from_the_next_request_on(
    merchant: Merchant, owner: Client
) -> None:
    operator = log_in(merchant, Role.OPERATOR, EMAIL)
    assert operator.get("/admin/").status_code == 200

    said = send(owner, "_team_remove", membership().pk)

    assert said == ["mo@example.com sees nothing of Fern Tea Club any more."]
    answer = operator.get("/admin/")
    assert (answer.status_code, answer["Location"][:13]) == (302, "/admin/login/")


@pytest.mark.parametrize(
    ("name", "fields"), [("_team_remove", {}), ("_team_role", {"role": "viewer"})]
)
def test_the_last_owner_stays_and_is_told_why(
    merchant: Merchant, owner: Client, name: str, fields: dict[str, str]
) -> None:
    answer = owner.post(address(name, membership("jo@example.com").pk), fields, follow=True)

    assert [str(message) for message in answer.context["messages"]] == [
        "This is the last owner: make somebody else an owner first."
    ]
    assert membership("jo@example.com").role == "owner"


def test_an_owner_who_leaves_is_led_away(merchant: Merchant, owner: Client) -> None:
    log_in(merchant, Role.OWNER, EMAIL)

    answer = owner.post(address("_team_remove", membership("jo@example.com").pk))

    assert answer["Location"] == "/admin/"
    assert owner.get("/admin/")["Location"].startswith("/admin/login/")


def test_a_role_that_is_not_there_is_refused(merchant: Merchant, owner: Client) -> None:
    log_in(merchant, Role.OPERATOR, EMAIL)

    assert send(owner, "_team_role", membership().pk, role="god") == ["There is no role 'god'."]
    assert membership().role == "operator"


def test_a_second_factor_is_asked_of_owners_or_not(merchant: Merchant, owner: Client) -> None:
    TOTP.activate(User.objects.get(pk=owner.session["_auth_user_id"]), generate_totp_secret())

    send(owner, "_team_second_factor", requires_second_factor="on")
    merchant.refresh_from_db()
    assert merchant.requires_second_factor is True

    send(owner, "_team_second_factor")
    merchant.refresh_from_db()
    assert merchant.requires_second_factor is False


def test_a_team_is_listed_in_as_many_queries_as_one_person(
    merchant: Merchant, owner: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        log_in(merchant, Role.VIEWER, f"{number}@example.com")

    with django_assert_max_num_queries(12):
        page = owner.get(address("_team"))

    assert len(page.context["rows"]) == 6
    assert timezone.now() - page.context["rows"][0]["user"].last_login < timedelta(minutes=1)
