"""Who may what, and for which merchant: each request of the back office works for one merchant.

Someone who works for several chooses (`switch`); the choice is kept in the session.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from recover_project.back_office.people import looking_on
from recover_project.routes import BACK_OFFICE
from recovery.models import Membership, Merchant, Role, User

View = Callable[[HttpRequest], HttpResponseBase]
CHOSEN = "merchant"  # in the session: the merchant's public id
_FOUND = "_working"  # on the request


class Right(StrEnum):
    LOOK = "look"
    OPERATE = "operate"  # work cases: charge, write, close, answer tasks
    OWN = "own"  # campaigns, messages, settings, keys, team
    STAFF = "staff"  # the platform's: every merchant


RIGHTS: Mapping[str, frozenset[Right]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Right.LOOK}),
        Role.OPERATOR: frozenset({Right.LOOK, Right.OPERATE}),
        Role.OWNER: frozenset({Right.LOOK, Right.OPERATE, Right.OWN}),
    }
)
EVERY_RIGHT = frozenset(Right)


@dataclass(frozen=True)
class Working:
    """What a request works on: `merchant` is None where there is none yet, for staff alone."""

    user: User
    merchant: Merchant | None
    rights: frozenset[Right]
    own: tuple[Merchant, ...] = ()  # all that the user works for; of staff, whose all are, none

    @property
    def of(self) -> Merchant:
        """The merchant. Raises LookupError where there is none."""
        if self.merchant is None:
            raise LookupError("There is no merchant yet.")
        return self.merchant

    def may(self, right: Right) -> bool:
        return right in self.rights


def merchants_of(user: User) -> QuerySet[Merchant]:
    """Those that the user works for; all of them for the platform's staff."""
    if user.is_superuser:
        return Merchant.objects.all()
    own = Membership.objects.filter(user=user)
    return Merchant.objects.filter(pk__in=own.values("merchant"))


def working(request: HttpRequest) -> Working | None:
    """None for whoever has no business here: not logged in, dismissed, of no merchant."""
    if not hasattr(request, _FOUND):
        setattr(request, _FOUND, _find(request))
    found: Working | None = getattr(request, _FOUND)
    return found


def _find(request: HttpRequest) -> Working | None:
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    chosen = request.session.get(CHOSEN, "")
    if user.is_superuser:
        merchant = Merchant.objects.filter(public_id=chosen).first()
        return Working(user, merchant or Merchant.objects.order_by("pk").first(), EVERY_RIGHT)
    own = Membership.objects.filter(user=user).select_related("merchant").order_by("pk")
    memberships = list(own)
    if not memberships:
        return None
    by_id = {membership.merchant.public_id: membership for membership in memberships}
    membership = by_id.get(chosen, memberships[0])
    merchants = tuple(each.merchant for each in memberships)
    return Working(user, membership.merchant, RIGHTS[membership.role], merchants)


def in_the_merchants_time(get_response: View) -> View:
    """Times are shown in the time zone of the merchant that is worked for."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(BACK_OFFICE):
            return get_response(request)
        at = working(request)
        if at is None or at.merchant is None:
            return get_response(request)
        with timezone.override(at.merchant.zone):
            return get_response(request)

    return answer


def may(request: HttpRequest, right: Right) -> bool:
    found = working(request)
    return found is not None and found.may(right)


def switch(request: HttpRequest, public_id: str) -> bool:
    """Works for `public_id` from the next request on; False if the user doesn't work there."""
    user = request.user
    if not isinstance(user, User) or not merchants_of(user).filter(public_id=public_id).exists():
        return False
    request.session[CHOSEN] = public_id
    return True


def actor_of(request: HttpRequest) -> str:
    """What a timeline calls the user; and who looks on as them, if somebody does."""
    user = request.user.get_username()
    looks = looking_on.who_looks(request)
    return (f"{looks.email} as {user}" if looks else user)[:100]
