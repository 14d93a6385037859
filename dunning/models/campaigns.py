from functools import partial
from typing import Any

from django.db import models
from django.db.models import Q

from recovery.charging_rules import RetryDriver
from recovery.declines import DeclineType
from recovery.models.base import Mutable, TenantOwned, new_public_id
from recovery.models.cases import choices


class EndAction(models.TextChoices):
    """What happens to a debt when every step was taken and nobody paid."""

    LEAVE_OPEN = "leave_open"
    MARK_LOST = "mark_lost"
    CANCEL_SUBSCRIPTION = "cancel_subscription"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"


class PublishedError(TypeError):
    """A published version never changes, nor do its steps: draft a new version."""


class DunningCampaign(TenantOwned, Mutable):
    """One version of a merchant's plan. Written by dunning/campaigns.py alone.

    Versions of one plan share its `plan` id. A published version never changes: an edit makes a
    draft, and publishing the draft makes it the current version.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        CURRENT = "current"
        RETIRED = "retired"

    plan = models.CharField(
        max_length=40, editable=False, default=partial(new_public_id, "plan"),
        help_text="The same for all versions.",
    )  # fmt: skip
    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    # A case gets the current campaign of the highest priority whose conditions it meets, else the
    # default for its type of decline.
    default_for = models.CharField(
        max_length=20, blank=True, default="", choices=choices(DeclineType)
    )
    priority = models.IntegerField(default=0, help_text="The highest one that fits is taken.")
    conditions = models.JSONField(default=dict, blank=True)  # dunning/plans/conditions.py
    retries = models.CharField(
        max_length=10, choices=choices(RetryDriver), default=RetryDriver.STRIPE,
        help_text="Who asks for the money again: Stripe, or Recover by the campaign's steps.",
    )  # fmt: skip
    end_action = models.CharField(
        max_length=20, choices=EndAction.choices, default=EndAction.LEAVE_OPEN
    )
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "campaign", "campaigns"
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "plan", "version"], name="one_campaign_per_plan_and_version"
            ),
            models.UniqueConstraint(
                fields=["merchant", "plan"],
                condition=Q(state="current"),
                name="one_current_version_per_plan",
            ),
            models.UniqueConstraint(
                fields=["merchant", "plan"],
                condition=Q(state="draft"),
                name="one_draft_per_plan",
            ),
            models.UniqueConstraint(
                fields=["merchant", "default_for"],
                condition=Q(state="current") & ~Q(default_for=""),
                name="one_default_campaign_per_decline_type",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True)
                | (~Q(state="draft") & Q(published_at__isnull=False)),
                name="published_campaigns_say_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Of a published version only the state moves on."""
        told = set(kwargs.get("update_fields") or {"everything"})
        if not self._state.adding and not told <= {"state", "published_at"}:
            self.refuse_if_published()
        super().save(*args, **kwargs)

    def refuse_if_published(self) -> None:
        """As the database has it, whatever became of this copy of the row."""
        published = DunningCampaign.objects.filter(pk=self.pk).exclude(state=self.State.DRAFT)
        if published.exists():
            raise PublishedError(f"{self} was published and never changes: draft a new version.")


class Channel(models.TextChoices):
    EMAIL = "email"
    RETRY = "retry"  # ask Stripe for the money
    WEBHOOK = "webhook"  # tell the merchant's own systems
    TASK = "task"  # leave it to a person


class DelayFrom(models.TextChoices):
    FAILURE = "failure"
    PREVIOUS = "previous"


class DunningStep(Mutable):
    """One row of a campaign: when, through what, with which words and on which condition."""

    campaign = models.ForeignKey(DunningCampaign, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    delay = models.DurationField()
    delay_from = models.CharField(
        max_length=10, choices=DelayFrom.choices, default=DelayFrom.FAILURE
    )
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    template = models.CharField(
        max_length=50, blank=True, default="",
        help_text="The words of an e-mail; what a webhook or a task is called.",
    )  # fmt: skip
    conditions = models.JSONField(default=dict, blank=True)  # dunning/plans/conditions.py

    class Meta:
        ordering = ["campaign", "position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="one_step_per_position"),
            models.CheckConstraint(
                condition=Q(channel="retry") | ~Q(template=""), name="steps_have_words_or_charge"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.template or self.channel}"

    @property
    def called(self) -> str:
        """At the beginning of a sentence: `Step 2 (email “reminder”)`."""
        words = f" “{self.template}”" if self.template else ""
        return f"Step {self.position} ({self.channel}{words})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self.campaign.refuse_if_published()
        super().save(*args, **kwargs)
