"""New links for customers who asked for one on an expired page, or whom an operator sends one."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.mail import addresses, claims, conversations
from dunning.models import DunningMessage
from recovery import timeline
from recovery.batches import apart, pages
from recovery.models import RecoveryCase
from recovery.timeline import Actor, Kind

BATCH = 100
State = DunningMessage.State
ON_ITS_WAY = (State.QUEUED, State.SENDING)
# An answer that went is looked for first, also among the spam.
AGAIN_AFTER = timedelta(hours=1)
PAUSE = timedelta(minutes=5)  # after one that didn't get there: a button is soon pressed again


class NotSentError(Exception):
    """No new link is sent to the customer; the text says why not."""


def queue(*, now: datetime) -> list[int]:
    """Queue one message for each link that was asked to be replaced, but where an earlier answer
    stands; returns their ids."""
    asked = PaymentUpdateLink.objects.filter(
        replacement_requested_at__isnull=False, replaced_at=None
    )
    queued: list[int] = []
    for waiting in pages(asked, size=BATCH):
        with apart(f"Link {waiting.public_id}"), transaction.atomic():
            link = asked.select_for_update(skip_locked=True).filter(pk=waiting.pk).first()
            if link is not None:
                queued += _answer(link, now=now)
    return queued


def _answer(link: PaymentUpdateLink, *, now: datetime) -> list[int]:
    """For a link that is held."""
    links.replaced(link, now=now)
    answers = Q(expired_link=link) | Q(instead_of__expired_link=link)
    earlier = DunningMessage.objects.filter(answers, case=link.case_id).order_by("id")
    if any(_stands(answer, now=now) for answer in earlier):
        return []
    due_at = max([now, *(answer.due_at + PAUSE for answer in earlier)])
    message = DunningMessage.objects.create(
        merchant_id=link.merchant_id, case_id=link.case_id, expired_link=link, due_at=due_at
    )
    if earlier:
        timeline.append(
            case=message.case, kind=Kind.LINK_REQUESTED, at=now, actor=Actor.CUSTOMER,
            summary="A new link was asked for once more on an expired page.",
            once=f"asked for:{message.public_id}",
        )  # fmt: skip
    return [message.pk]


def _stands(answer: DunningMessage, *, now: datetime) -> bool:
    """It is on its way, or it went, or may have gone, a short while ago and hasn't come back."""
    if answer.state in ON_ITS_WAY:
        return True
    went_at = answer.claimed_at if answer.state == State.UNKNOWN else answer.sent_at
    return went_at is not None and answer.bounced_at is None and now < went_at + AGAIN_AFTER


@transaction.atomic
def send(
    case: RecoveryCase, *, actor: str, now: datetime, seen_at: datetime | None = None
) -> DunningMessage:
    """Queue a new link for the customer, whatever became of earlier ones; delivery looks at the
    debt again before it goes. `seen_at` is when the actor saw the case: a second click is answered
    with the message of the first, and of two people who write at once, the first counts. Raises
    NotSentError, and then nothing was queued."""
    conversations.hold(case)
    case = RecoveryCase.objects.select_related("merchant__stripe", "customer").get(pk=case.pk)
    message = DunningMessage(
        merchant_id=case.merchant_id, case=case, asked_for_by=actor, due_at=now
    )
    if newer := _since(message, seen_at):
        if newer.asked_for_by == actor:
            return newer
        raise NotSentError(f"{newer.asked_for_by} has had one sent since you saw the case")
    if why := _why_not(message):
        raise NotSentError(why)
    message.save()
    timeline.append(
        case=case, kind=Kind.LINK_REQUESTED, at=now, actor=actor,
        summary="A new link is sent to the customer.", once=f"asked for:{message.public_id}",
    )  # fmt: skip
    return message


def why_not(case: RecoveryCase, *, now: datetime) -> str:
    """Why no new link would be sent to the customer now, "" if one would."""
    return _why_not(DunningMessage(merchant_id=case.merchant_id, case=case, due_at=now))


def _since(message: DunningMessage, seen_at: datetime | None) -> DunningMessage | None:
    if seen_at is None:
        return None
    by_hand = message.case.messages.exclude(asked_for_by="").filter(due_at__gte=seen_at)
    return by_hand.order_by("due_at", "pk").first()


def _why_not(message: DunningMessage) -> str:
    """As delivery would decide, but for what may have passed until it does."""
    case = message.case
    waiting = case.messages.filter(run=None, instead_of=None, state__in=ON_ITS_WAY)
    if waiting.exists():
        return "a new link is on its way already"
    if why := claims.is_over(message):
        return why
    return "" if addresses.recipient(case) else addresses.why_unreachable(case)
