from functools import partial

from django.db import models
from django.db.models import Q

from billing_portal.models import PaymentUpdateLink
from dunning.models.campaigns import DunningStep
from dunning.models.runs import DunningRun
from recovery.models import RecoveryCase
from recovery.models.base import Mutable, TenantListed, new_public_id

NEW_LINK = "new_link"  # the words of a message that was asked for
CAUSES = {"run": None, "step": None, "expired_link": None, "instead_of": None, "asked_for_by": ""}


def _only(**causes: bool | str) -> Q:
    """These lookups hold, and there is nothing in the fields of CAUSES that they don't name."""
    named = {lookup.rpartition("__")[0] for lookup in causes}
    return Q(**{field: none for field, none in CAUSES.items() if field not in named}, **causes)


class DunningMessage(TenantListed, Mutable):
    """One message to one person: for one step of a run, because they or an operator asked for a
    new link, or instead of one that came back from a dead address.

    *Sent* means that the mail server took it. Queued by runs.py, replacements.py and bounces.py;
    what becomes of it is written by dunning/mail/messages.py alone.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"  # claimed by a worker, or by one that died
        SENT = "sent"
        FAILED = "failed"  # refused for good
        SKIPPED = "skipped"  # not to be sent after all; the timeline says why
        UNKNOWN = "unknown"  # it may have gone or not: never repeated, a person decides

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "msg")
    )
    run = models.ForeignKey(
        DunningRun, null=True, blank=True, on_delete=models.CASCADE, related_name="messages"
    )
    step = models.ForeignKey(
        DunningStep, null=True, blank=True, on_delete=models.RESTRICT, related_name="messages"
    )
    expired_link = models.ForeignKey(
        PaymentUpdateLink, null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        db_index=False, help_text="The link that the customer asked to replace.",
    )  # fmt: skip
    asked_for_by = models.CharField(
        max_length=100, blank=True, default="",
        help_text="Who had a new link sent, where it wasn't the customer.",
    )  # fmt: skip
    instead_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text="The message that came back; this one goes to the alternate contact.",
    )  # fmt: skip
    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="messages")
    # What else the customer owes and the message lists: one conversation, not one per invoice.
    also_about = models.ManyToManyField(RecoveryCase, related_name="mentions", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    recipient = models.CharField(max_length=254, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    subject = models.CharField(max_length=500, blank=True, default="")
    # As the customer saw it, but for the token in its link.
    body_text = models.TextField(blank=True, default="")
    body_html = models.TextField(blank=True, default="")
    content_forgotten_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then it isn't kept what it said."
    )
    due_at = models.DateTimeField(help_text="When a worker may (next) try to send it.")
    tries = models.PositiveSmallIntegerField(default=0)
    refused_since = models.DateTimeField(
        null=True, blank=True, help_text="When the mail server first refused it for now."
    )
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe first couldn't be asked about its debt."
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # The name that the mail provider gave it, by which it tells what became of it.
    provider_id = models.CharField(max_length=255, blank=True, default="")
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name, verbose_name_plural = "message", "messages"
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_message_per_run_and_step"),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="sent_messages_and_no_others_have_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="sent") | Q(bounced_at=None, complained_at=None),
                name="only_sent_messages_come_back",
            ),
            models.CheckConstraint(
                condition=Q(content_forgotten_at__isnull=True)
                | Q(subject="", body_text="", body_html=""),
                name="what_is_forgotten_says_nothing",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(claimed_at__isnull=False),
                name="a_claim_says_when",
            ),
            models.CheckConstraint(
                condition=_only(run__isnull=False, step__isnull=False)
                | _only(expired_link__isnull=False)
                | _only(instead_of__isnull=False)
                | _only(asked_for_by__gt=""),
                name="a_message_has_one_cause",
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=["queued", "sending"]) & ~Q(asked_for_by=""),
                name="one_new_link_on_its_way_per_case",
            ),
            models.UniqueConstraint(
                fields=["expired_link"],
                condition=Q(state__in=["queued", "sending"]),
                name="one_answer_on_its_way_per_link",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="messages_of_a_merchant"),
            models.Index(fields=["merchant", "state", "-id"], name="messages_of_a_state"),
            models.Index(fields=["due_at"], condition=Q(state="queued"), name="queued_messages"),
            models.Index(
                fields=["merchant", "claimed_at"],
                condition=Q(content_forgotten_at__isnull=True, claimed_at__isnull=False),
                name="contents_by_age",
            ),
            models.Index(
                fields=["claimed_at"], condition=Q(state="sending"), name="claimed_messages"
            ),
            models.Index(
                fields=["merchant", "-id"], condition=Q(state="unknown"), name="unknown_messages"
            ),
            models.Index(
                fields=["provider_id"],
                condition=~Q(provider_id=""),
                name="messages_by_provider_id",
            ),
            models.Index(
                fields=["expired_link"],
                condition=Q(expired_link__isnull=False),
                name="answers_of_a_link",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"

    @property
    def original(self) -> "DunningMessage":
        """The message that this one goes out instead of; itself for most."""
        return self.instead_of or self

    @property
    def log_ids(self) -> dict[str, str]:
        """What a line of the log that is about it says (log_context.py)."""
        return {"message_id": self.public_id, **self.case.log_ids}

    @property
    def is_sending(self) -> bool:
        return self.state == self.State.SENDING

    @property
    def is_asked_for(self) -> bool:
        return self.original.step is None

    @property
    def is_customers_wish(self) -> bool:
        """Who wants no more mail gets what they ask for themselves, and nothing else."""
        return self.original.expired_link_id is not None

    @property
    def template(self) -> str:
        step = self.original.step
        return step.template if step else NEW_LINK

    @property
    def cause(self) -> str:
        step = self.original.step
        asked = "asked for" if self.is_customers_wish else "asked for by an operator"
        cause = f"step {step.position} of the campaign" if step else asked
        return f"{cause}, to the alternate contact" if self.instead_of else cause
