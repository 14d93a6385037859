"""The platform's staff looks on as a user: everybody sees it who looks, and it is recorded."""

from typing import Any

from django.dispatch import receiver
from django.http import Http404, HttpRequest
from hijack.signals import hijack_ended, hijack_started
from hijack.views import AcquireUserView

from recover_project.back_office.people.noting import note
from recovery.models import User

HISTORY = "hijack_history"  # in the session: the primary keys of who looks on


class Begin(AcquireUserView):  # type: ignore[misc] # untyped
    def get_object(self, queryset: Any = None) -> User:
        """The user to look on as. Raises Http404, for what is no id too."""
        try:
            found: User = super().get_object(queryset)
        except ValueError as error:
            raise Http404 from error
        return found


def may(*, hijacker: User, hijacked: User) -> bool:
    """Staff as anybody who works for a merchant, and as no other staff."""
    return bool(
        hijacker.is_active and hijacker.is_superuser
        and hijacked.is_active and not hijacked.is_superuser
    )  # fmt: skip


def is_on(request: HttpRequest) -> bool:
    return bool(request.session.get(HISTORY))


def who_looks(request: HttpRequest) -> User | None:
    """The one who truly sits there, or None where that is the user."""
    history = request.session.get(HISTORY)
    return User.objects.filter(pk=history[0]).first() if history else None


@receiver(hijack_started)
def _begun(hijacker: User, hijacked: User, **_: Any) -> None:
    note(hijacked, by=hijacker, about="looking on", what="began to look on as this user")


@receiver(hijack_ended)
def _ended(hijacker: User, hijacked: User, **_: Any) -> None:
    note(hijacked, by=hijacker, about="looking on", what="stopped looking on as this user")
