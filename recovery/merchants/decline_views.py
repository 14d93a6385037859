"""A merchant's own view of decline codes: what each counts as, where that isn't as shipped."""

import re

from django.core.exceptions import ValidationError

from recovery import cases, declines, failures
from recovery.declines import DECLINE_CODES, UNKNOWN, DeclineType
from recovery.models import DeclineOverride, Merchant, RecoveryCase
from recovery.state_machine import Status

DECLINE_CODE = re.compile(r"[a-z0-9_]{1,100}")  # as Stripe writes them


def shipped(decline_code: str) -> str:
    """What a code counts as for everybody else. One that nobody has seen before is unknown, and
    counts as that does."""
    known = DECLINE_CODES.get(decline_code)
    return known.decline_type if known else f"{UNKNOWN.decline_type}, as any unknown code"


def override_decline(*, merchant: Merchant, decline_code: str, decline_type: DeclineType) -> int:
    """From now on the merchant counts a decline code as that type; open cases that show it do so
    at once. Returns how many those are. Raises ValidationError for a code that means the same for
    everybody (a ceiling), and for what can't be one."""
    if declines.is_ceiling(decline_code) or ":" in decline_code or not decline_code:
        named = decline_code or "no code"
        raise ValidationError(
            {"decline_code": f"What {named} means is not the merchant's to say."}
        )
    if not DECLINE_CODE.fullmatch(decline_code):
        raise ValidationError({"decline_code": "Write it as Stripe does: insufficient_funds."})
    DeclineOverride.objects.update_or_create(
        merchant=merchant, decline_code=decline_code, defaults={"decline_type": decline_type}
    )
    showing = _showing(merchant, decline_code)
    for case in showing:
        cases.project_decline(case)
    return len(showing)


def forget_override(*, merchant: Merchant, decline_code: str) -> int:
    """A decline code counts as what it is shipped as again; open cases that show it do so at
    once. Returns how many those are. Raises ValidationError where the merchant has no view of its
    own."""
    own = DeclineOverride.objects.of(merchant).filter(decline_code=decline_code)
    deleted, _by_model = own.delete()
    if not deleted:
        raise ValidationError({"decline_code": f"{merchant} has no view of its own on it."})
    showing = _showing(merchant, decline_code)
    for case in showing:
        failures.reconsider(case=case, decline_code=decline_code)
    return len(showing)


def _showing(merchant: Merchant, decline_code: str) -> list[RecoveryCase]:
    open_cases = RecoveryCase.objects.of(merchant).filter(status=Status.OPEN)
    return list(open_cases.filter(decline_code=decline_code).order_by("id"))
