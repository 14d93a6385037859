"""What the platform's staff does with a person, in the record of each merchant they work for."""

from auditlog.models import LogEntry

from recovery.models import User


def note(user: User, *, by: User, about: str, what: str) -> None:
    for membership in user.memberships.all():
        LogEntry.objects.log_create(
            user, force_log=True, action=LogEntry.Action.ACCESS, actor=by,
            changes={about: ["", what]}, additional_data={"merchant": membership.merchant_id},
        )  # fmt: skip
