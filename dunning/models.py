from functools import partial

from django.db import models
from django.db.models import Q

from billing_portal.models import PaymentUpdateLink
from recovery.declines import DeclineType
from recovery.models import RecoveryCase
from recovery.models.base import Mutable, TenantOwned, new_public_id
from recovery.models.cases import choices

NEW_LINK = "new_link"  # the words of a message that was asked for


class DunningCampaign(TenantOwned, Mutable):
    """A merchant's plan for one type of decline; once used, a change makes a new version."""

    name = models.CharField(max_length=100)
    decline_type = models.CharField(max_length=20, choices=choices(DeclineType))
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "decline_type", "version"], name="one_campaign_per_version"
            ),
            models.UniqueConstraint(
                fields=["merchant", "decline_type"],
                condition=Q(is_current=True),
                name="one_current_campaign_per_decline_type",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Channel(models.TextChoices):
    EMAIL = "email"


class DunningStep(Mutable):
    """One row of a campaign: how long after the failure, through what, with which words."""

    campaign = models.ForeignKey(DunningCampaign, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    delay = models.DurationField(help_text="After the failure.")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    template = models.CharField(max_length=50)

    class Meta:
        ordering = ["campaign", "position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="one_step_per_position")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.template}"


class DunningRun(TenantOwned, Mutable):
    """One campaign version working one case. Written by dunning/runs.py alone."""

    class State(models.TextChoices):
        LIVE = "live"
        FINISHED = "finished"  # every step was taken
        STOPPED = "stopped"  # the case closed first

    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="runs")
    campaign = models.ForeignKey(DunningCampaign, on_delete=models.RESTRICT, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    next_position = models.PositiveSmallIntegerField(default=1)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the next step is due.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="live"), name="one_live_run_per_case"
            ),
            models.CheckConstraint(
                condition=Q(state="live", ended_at__isnull=True, due_at__isnull=False)
                | (~Q(state="live") & Q(ended_at__isnull=False, due_at__isnull=True)),
                name="live_runs_are_due_and_ended_ones_are_not",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="live"), name="due_runs")]

    def __str__(self) -> str:
        return f"{self.campaign} on {self.case}"


class DunningMessage(TenantOwned, Mutable):
    """One message to one person, for one step of a run or because they asked for a new link.

    *Sent* means that the mail server took it.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"  # claimed by a worker, or by one that died
        SENT = "sent"
        FAILED = "failed"  # refused for good
        SKIPPED = "skipped"  # not to be sent after all; the timeline says why
        UNKNOWN = "unknown"  # a worker died while sending: never repeated, a person decides

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "msg")
    )
    run = models.ForeignKey(
        DunningRun, null=True, blank=True, on_delete=models.CASCADE, related_name="messages"
    )
    step = models.ForeignKey(
        DunningStep, null=True, blank=True, on_delete=models.RESTRICT, related_name="messages"
    )
    expired_link = models.OneToOneField(
        PaymentUpdateLink, null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text="The link that the customer asked to replace.",
    )  # fmt: skip
    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="messages")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    recipient = models.CharField(max_length=254, blank=True, default="")
    subject = models.CharField(max_length=500, blank=True, default="")
    # As the customer saw it, but for the token in its link.
    body_text = models.TextField(blank=True, default="")
    body_html = models.TextField(blank=True, default="")
    due_at = models.DateTimeField(help_text="When a worker may (next) try to send it.")
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_message_per_run_and_step"),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="sent_messages_and_no_others_have_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(claimed_at__isnull=False),
                name="a_claim_says_when",
            ),
            models.CheckConstraint(
                condition=Q(run__isnull=False, step__isnull=False, expired_link__isnull=True)
                | Q(run__isnull=True, step__isnull=True, expired_link__isnull=False),
                name="a_message_has_a_step_or_was_asked_for",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="queued"), name="queued_messages"),
            models.Index(
                fields=["claimed_at"], condition=Q(state="sending"), name="claimed_messages"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"

    @property
    def is_asked_for(self) -> bool:
        return self.step is None

    @property
    def template(self) -> str:
        return self.step.template if self.step else NEW_LINK

    @property
    def cause(self) -> str:
        return f"step {self.step.position} of the campaign" if self.step else "asked for"
