"""How people come in: a password, a second factor where one is asked for, and few guesses."""

import re
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from recover_project.back_office.tasks import forget_sessions
from recovery.limits import store
from recovery.limits.outage import Outage
from recovery.models import Merchant, Role, User
from tests.back_office.people import PASSWORD, log_in, log_in_superuser
from tests.builders import make_merchant
from tests.redis_server import RedisServer

pytestmark = pytest.mark.django_db
LOGIN, SECOND = "/admin/account/login/", "/admin/account/second-factor/authenticate/"
SET_UP = "/admin/account/second-factor/totp/activate/"
WRONG = "The email address and/or password you specified are not correct."
HOME = "/admin/"


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def owner(merchant: Merchant) -> User:
    log_in(merchant, Role.OWNER, "olga@example.com")
    return User.objects.get(email="olga@example.com")


def enter(client: Client, email: str = "olga@example.com", password: str = PASSWORD) -> Any:
    return client.post(f"{LOGIN}?next=/admin/changes/", {
        "login": email, "password": password, "next": "/admin/changes/",
    })  # fmt: skip


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def test_a_password_leads_to_where_one_wanted_to_go(owner: User) -> None:
    client = Client()

    answer = enter(client, email="Olga@Example.com")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/changes/")
    assert is_in(client)


def test_a_login_that_fails_is_told_in_the_log_without_the_address(
    owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    enter(Client(), password="wrong")

    [line] = [one.message for one in caplog.records if one.name == "recovery.credentials"]
    assert line.startswith("A login to the back office failed, for address ")
    assert "olga" not in line


def test_who_logs_out_reads_so_and_may_come_again(owner: User) -> None:
    client = Client()
    enter(client)

    page = client.post("/admin/logout/").content.decode()

    assert "You are logged out" in page
    assert 'href="/admin/"' in page
    assert not is_in(client)


def test_nobody_is_led_to_another_host_by_logging_in(owner: User) -> None:
    answer = Client().post(f"{LOGIN}?next=https://evil.example/", {
        "login": "olga@example.com", "password": PASSWORD, "next": "https://evil.example/",
    })  # fmt: skip

    assert answer["Location"] == HOME


def test_a_wrong_password_and_an_unknown_address_read_alike(owner: User) -> None:
    for email, password in (("olga@example.com", "wrong"), ("no@example.com", PASSWORD)):
        client = Client()
        shown = enter(client, email, password)
        assert (shown.status_code, WRONG in shown.content.decode()) == (200, True)
        assert not is_in(client)


def test_guesses_are_few_and_then_the_right_password_waits_too(owner: User) -> None:
    client = Client()
    for guess in range(5):
        enter(client, password=f"guess {guess}")

    refused = enter(client)

    assert "Too many failed login attempts." in refused.content.decode()
    assert not is_in(client)


def test_people_come_in_and_guesses_stay_few_while_redis_is_gone(
    owner: User, settings: Settings, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_outage", Outage())
    settings.CACHES = settings.CACHES | {
        "default": {
            "BACKEND": "recovery.limits.store.GuessesCache", "LOCATION": redis_server.url,
            "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
        }
    }  # fmt: skip
    redis_server.stop()
    client = Client()
    enter(client)
    assert is_in(client)

    for guess in range(5):
        enter(Client(), password=f"guess {guess}")

    assert "Too many failed login attempts." in enter(Client()).content.decode()


def test_the_login_is_limited_by_our_own_count_alone() -> None:
    answers = [Client().post(LOGIN) for _each in range(61)]

    assert [answer.status_code for answer in answers] == [200] * 60 + [429]


def test_who_asks_for_a_new_password_too_often_reads_when_to_come_back(owner: User) -> None:
    asked = [
        Client().post("/admin/account/password/reset/", {"email": owner.email})
        for _each in range(6)
    ]

    refused = asked.pop()
    assert {answer.status_code for answer in asked} == {302}
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert "RateLimit-Remaining" not in refused
    assert "Please try again in 60 seconds." in refused.content.decode()


def test_nobody_signs_up_or_adds_an_address(owner: User) -> None:
    client = Client()
    enter(client)

    for path in ("signup/", "email/", "password/set/"):
        for who in (Client(), client):
            assert who.get(f"/admin/account/{path}").status_code == 404


def test_with_a_second_factor_the_password_alone_opens_nothing(owner: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    client = Client()

    answer = enter(client)

    assert answer["Location"].startswith(SECOND)
    assert not is_in(client)
    assert "Incorrect code" in client.post(SECOND, {"code": "000000"}).content.decode()
    assert not is_in(client)
    client.post(SECOND, {"code": code_of(secret)})
    assert is_in(client)


def test_a_code_is_good_once(owner: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    first, second, code = Client(), Client(), code_of(secret)
    for client in (first, second):
        enter(client)
        client.post(SECOND, {"code": code})

    assert (is_in(first), is_in(second)) == (True, False)


def test_a_recovery_code_stands_in_for_a_lost_phone_once(owner: User) -> None:
    TOTP.activate(owner, generate_totp_secret())
    codes = RecoveryCodes.activate(owner).get_unused_codes()

    for expected in (True, False):
        client = Client()
        enter(client)
        client.post(SECOND, {"code": codes[0]})
        assert is_in(client) is expected


def test_what_codes_are_made_from_is_encrypted_where_it_is_kept(owner: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    RecoveryCodes.activate(owner)

    kept = {row.type: str(row.data) for row in Authenticator.objects.all()}

    assert secret not in kept["totp"]
    seed = Authenticator.objects.get(type="recovery_codes").data["seed"]
    assert seed.startswith("gAAAA")  # Fernet's


# --- where it is asked for ----------------------------------------------------------------------


def test_where_the_merchant_says_so_owners_get_nowhere_without_one(
    merchant: Merchant, owner: User
) -> None:
    merchant.requires_second_factor = True
    merchant.save()
    client = Client()
    enter(client)

    for path in (HOME, "/admin/recovery/recoverycase/", "/admin/changes/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, SET_UP)
    shown = client.get(SET_UP).content.decode()
    assert "Your account needs a second factor." in shown

    secret = re.search(r'value="([A-Z2-7]{32})"', shown)
    assert secret
    client.post(SET_UP, {"code": code_of(secret[1])})
    assert is_in(client)


def test_others_of_that_merchant_need_none(merchant: Merchant) -> None:
    merchant.requires_second_factor = True
    merchant.save()

    for role in (Role.OPERATOR, Role.VIEWER):
        assert is_in(log_in(merchant, role, f"{role}@example.com"))


def test_the_platforms_staff_needs_one_except_while_trying_out(
    merchant: Merchant, settings: Settings
) -> None:
    client = log_in_superuser()
    assert is_in(client)
    Authenticator.objects.all().delete()

    assert client.get(HOME)["Location"] == SET_UP
    settings.DEBUG = True
    assert is_in(client)


def test_without_one_a_person_can_still_leave(merchant: Merchant, owner: User) -> None:
    merchant.requires_second_factor = True
    merchant.save()
    client = Client()
    enter(client)

    client.post(reverse("account_logout"))

    assert client.get(HOME)["Location"].startswith("/admin/login/")


# --- sessions and passwords ---------------------------------------------------------------------


def test_other_sessions_are_listed_and_can_be_ended(owner: User) -> None:
    lost, mine = Client(headers={"User-Agent": "Lost phone"}), Client()
    enter(lost)
    enter(mine)
    assert is_in(lost)

    shown = mine.get("/admin/account/sessions/").content.decode()
    mine.post("/admin/account/sessions/")

    assert "Lost phone" in shown
    assert (is_in(lost), is_in(mine)) == (False, True)


def test_a_login_lasts_for_a_working_day(owner: User) -> None:
    client = Client()
    enter(client)

    expiry = client.session.get_expiry_date()

    assert timedelta(hours=11) < expiry - timezone.now() <= timedelta(hours=12)
    assert "expires" not in str(client.cookies["sessionid"])  # nor is it kept by the browser


def test_logins_that_are_over_are_forgotten_with_where_they_came_from(owner: User) -> None:
    lost, left, mine = (
        Client(headers={"User-Agent": name}) for name in ("Lost phone", "Left", "Mine")
    )
    for client in (lost, left, mine):
        enter(client)
    left.post(reverse("account_logout"))
    yesterday = timezone.now() - timedelta(hours=13)
    UserSession.objects.update(created_at=yesterday)
    Session.objects.filter(pk=lost.session.session_key).update(expire_date=yesterday)

    forget_sessions()

    assert [seen.user_agent for seen in UserSession.objects.all()] == ["Mine"]
    assert not Session.objects.filter(pk=lost.session.session_key).exists()
    assert is_in(mine)


def test_a_login_that_has_just_begun_is_left_alone(owner: User) -> None:
    client = Client()
    enter(client)
    Session.objects.all().delete()  # as before its row is there

    forget_sessions()

    assert UserSession.objects.exists()


@pytest.mark.parametrize(
    ("password", "is_taken"), [("eleven sign", False), ("twelve signs", True)]
)
def test_a_password_has_twelve_signs_or_more(
    merchant: Merchant, password: str, is_taken: bool
) -> None:
    call = partial(
        call_command, "create_operator", "new@example.com", "--merchant", merchant.public_id,
        "--role", "operator", "--password", password,
    )  # fmt: skip
    if is_taken:
        call()
    else:
        with pytest.raises(CommandError, match="at least 12 characters"):
            call()

    assert User.objects.filter(email="new@example.com").exists() is is_taken


def test_a_forgotten_password_is_made_anew_by_mail_and_ends_what_was_open(owner: User) -> None:
    thief, client = Client(), Client()
    enter(thief)

    client.post("/admin/account/password/reset/", {"email": "olga@example.com"})
    [sent] = mail.outbox
    link = re.search(r"https?://[^/\s]+(/admin/account/password/reset/key/\S+)", str(sent.body))
    assert link
    form = client.get(link[1], follow=True)
    made = {"password1": "a new long pass phrase", "password2": "a new long pass phrase"}
    client.post(form.redirect_chain[-1][0], made)

    assert not is_in(thief)
    enter(client, password="a new long pass phrase")
    assert is_in(client)


def test_an_address_that_nobody_has_is_answered_alike_and_gets_no_link(owner: User) -> None:
    known = Client().post("/admin/account/password/reset/", {"email": "olga@example.com"})
    unknown = Client().post("/admin/account/password/reset/", {"email": "no@example.com"})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    links = ["/password/reset/key/" in sent.body for sent in mail.outbox]
    assert links in ([True], [True, False])
