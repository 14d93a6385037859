"""The platform's staff looks on as a user: seen on every page, recorded, and no more than that."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse

from recovery.models import Membership, Merchant, RecoveryCase, Role, User
from tests.back_office.people import log_in, log_in_superuser, make_world

pytestmark = pytest.mark.django_db
BEGIN, STOP = "/admin/look-on-as/acquire/", "/admin/look-on-as/release/"
SAID = "You look on as"


@pytest.fixture
def ours() -> Merchant:
    merchant = make_world("fern")
    log_in(merchant, Role.OWNER, "olga@example.com")
    return merchant


def pk(email: str) -> int:
    return User.objects.get(email=email).pk


def look_on(client: Client, email: str = "olga@example.com") -> int:
    return client.post(BEGIN, {"user_pk": pk(email)}).status_code


def test_staff_sees_what_the_user_sees_and_every_page_says_so(ours: Merchant) -> None:
    make_world("moss")
    staff = log_in_superuser()

    assert look_on(staff) == 302
    for path in ("/admin/", "/admin/recovery/recoverycase/", "/admin/changes/"):
        shown = staff.get(path).content.decode()
        assert SAID in shown
        assert "moss" not in shown

    staff.post(STOP)
    assert SAID not in staff.get("/admin/").content.decode()


def test_nobody_else_looks_on_and_nobody_as_staff(ours: Merchant) -> None:
    log_in(ours, Role.VIEWER, "vi@example.com")
    for role in Role.values:
        assert look_on(log_in(ours, role, f"{role}@example.com"), "vi@example.com") == 403
    staff = log_in_superuser()
    User.objects.create_superuser("other@example.com", "x")

    assert look_on(staff, "other@example.com") == 403
    assert look_on(Client()) == 302
    assert SAID not in staff.get("/admin/").content.decode()


def test_what_is_no_id_is_nobody_to_look_on_as(ours: Merchant) -> None:
    for client in (log_in_superuser(), log_in(ours)):
        for no_id in ("x", "", "9" * 40, "987654"):
            assert client.post(BEGIN, {"user_pk": no_id}).status_code == 404


def test_beginning_and_end_are_recorded_for_the_merchants_owner(ours: Merchant) -> None:
    staff = log_in_superuser()
    look_on(staff)
    staff.post(STOP)

    shown = log_in(ours, Role.OWNER, "olga@example.com").get("/admin/changes/").content.decode()

    assert "began to look on as this user" in shown
    assert "stopped looking on as this user" in shown
    assert "root@example.com" in shown


def test_what_is_changed_meanwhile_is_recorded_under_the_true_name(ours: Merchant) -> None:
    staff = log_in_superuser()
    look_on(staff)
    case = RecoveryCase.objects.get()

    staff.post("/admin/cases/act/revoke_links/", {"case": case.public_id, "confirmed": "yes"})

    [actor] = set(case.timeline.filter(kind="link_revoked").values_list("actor", flat=True))
    assert actor == "root@example.com as olga@example.com"
    assert LogEntry.objects.filter(actor__email="olga@example.com").count() == 0


def test_the_users_own_account_is_out_of_reach(ours: Merchant) -> None:
    staff = log_in_superuser()
    look_on(staff)

    for path in ("second-factor/totp/activate/", "password/change/", "sessions/"):
        assert staff.get(f"/admin/account/{path}").status_code == 403
    answer = staff.get("/admin/password_change/", follow=True)
    assert answer.redirect_chain == [("/admin/account/password/change/", 302)]
    assert answer.status_code == 403


# --- a second factor that was lost --------------------------------------------------------------


def forget(client: Client, membership: Membership) -> int:
    where = reverse("admin:settings_team_forget_second_factor", args=[membership.pk])
    return client.post(where).status_code


def test_nobody_but_staff_takes_a_second_factor_away_and_of_no_other_staff(ours: Merchant) -> None:
    staff = log_in_superuser()
    root, olga = (User.objects.get(email=f"{name}@example.com") for name in ("root", "olga"))
    TOTP.activate(olga, generate_totp_secret())
    roots = Membership.objects.create(user=root, merchant=ours, role=Role.VIEWER)
    olgas = Membership.objects.get(user=olga)

    for role in Role.values:
        assert forget(log_in(ours, role, f"{role}@example.com"), olgas) == 403
    assert forget(staff, roots) == 403
    assert Authenticator.objects.count() == 2

    assert forget(staff, olgas) == 302
    assert list(Authenticator.objects.values_list("user", flat=True)) == [root.pk]


def test_staff_takes_it_away_from_who_works_for_the_merchant_that_is_worked_for(
    ours: Merchant,
) -> None:
    theirs, staff = make_world("moss"), log_in_superuser()
    log_in(theirs, Role.OWNER, "mo@example.com")

    assert forget(staff, Membership.objects.of(theirs).get()) == 404


def test_staff_goes_on_with_the_merchant_that_it_looked_on_for(ours: Merchant) -> None:
    theirs, staff = make_world("moss"), log_in_superuser()
    log_in(theirs, Role.VIEWER, "olga@example.com")
    staff.post("/admin/switch/", {"merchant": theirs.public_id})

    look_on(staff)
    assert staff.get("/admin/").context["merchant"] == theirs
    staff.post(STOP)
    assert staff.get("/admin/").context["merchant"] == theirs
