"""Who works for a merchant: let in, given another role, let go. There is always an owner."""

from collections.abc import Callable

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from recovery.models import Membership, Merchant, Role, User

MOST_OF_A_MERCHANT = 100


class LastOwnerError(Exception):
    """Nobody would be left who may change anything."""

    def __init__(self) -> None:
        super().__init__("This is the last owner: make somebody else an owner first.")


def of_merchant(merchant: Merchant) -> QuerySet[Membership]:
    """All of them with their users, by address."""
    return Membership.objects.of(merchant).select_related("user").order_by("user__email")


@transaction.atomic
def let_in(*, merchant: Merchant, email: str, password: str, role: str) -> User:
    """Somebody who may log in with that password, also who was shut out. Doing it again changes
    role and password. Raises ValidationError."""
    address = _address(email)
    user = User.objects.filter(email=address).first() or User(email=address)
    validate_password(password, user)
    user.is_active = True
    user.set_password(password)
    user.save()
    membership = _membership(user, merchant) or Membership(user=user, merchant=merchant)
    membership.role = role
    membership.save()
    return user


@transaction.atomic
def invite(*, merchant: Merchant, email: str, role: str) -> Membership:
    """Somebody who will choose a password, or has one already. They stay who they are for other
    merchants, and whoever is a member already stays what they were. Raises ValidationError."""
    _one_by_one(merchant)
    user, _is_new = User.objects.get_or_create(
        email=_address(email), defaults={"password": make_password(None)}
    )
    if not user.is_active:
        raise ValidationError(
            {"email": "This login was shut by the platform's staff: ask them to open it first."}
        )
    if _membership(user, merchant):
        raise ValidationError({"email": f"{user.email} works for {merchant} already."})
    if Membership.objects.of(merchant).count() >= MOST_OF_A_MERCHANT:
        raise ValidationError({"email": f"{MOST_OF_A_MERCHANT} people are the most: let one go."})
    return Membership.objects.create(user=user, merchant=merchant, role=role)


def _address(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValidationError({"email": error.messages}) from error
    return address


def _membership(user: User, merchant: Merchant) -> Membership | None:
    return Membership.objects.of(merchant).filter(user=user).first()


def change_role(*, membership: Membership, role: str) -> None:
    """What they may do changes with their next request. Raises LastOwnerError, and
    Membership.DoesNotExist for who has been let go meanwhile."""
    if role not in Role.values:
        raise ValidationError({"role": f"There is no role {role!r}."})

    def change(membership: Membership) -> None:
        membership.role = role
        membership.save(update_fields=["role"])

    _change(membership, change, stays_owner=role == Role.OWNER)


def let_go(*, membership: Membership) -> None:
    """From their next request on they see nothing of the merchant, in no session and with no
    token. Raises as `change_role`."""

    def end(membership: Membership) -> None:
        membership.delete()

    _change(membership, end, stays_owner=False)


@transaction.atomic
def _change(
    membership: Membership, change: Callable[[Membership], None], *, stays_owner: bool
) -> None:
    _one_by_one(membership.merchant)
    membership = Membership.objects.get(pk=membership.pk)
    if membership.role == Role.OWNER and not stays_owner and not _has_another_owner(membership):
        raise LastOwnerError
    change(membership)


def _has_another_owner(membership: Membership) -> bool:
    """One who can log in: an invitation that nobody took, or a login that was shut, is none."""
    owners = Membership.objects.of(membership.merchant).filter(role=Role.OWNER)
    others = owners.exclude(pk=membership.pk).filter(user__is_active=True).select_related("user")
    return any(other.user.has_usable_password() for other in others)


def _one_by_one(merchant: Merchant) -> None:
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
