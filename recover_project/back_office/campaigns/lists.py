"""What is planned for customers and what was written to them: campaigns, runs, messages, links."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning import campaigns
from dunning.models import DunningCampaign, DunningMessage, DunningRun
from dunning.plans import comparison
from recover_project.back_office.access import Right, Working, actor_of, working
from recover_project.back_office.campaigns import calendars, plans
from recover_project.back_office.cases import words
from recover_project.back_office.cases.of_a_case import OfACase
from recover_project.back_office.pages import show
from recover_project.back_office.rows import WithPage, badge, shortly
from recovery import clock

TIMES = ("created_at", "expires_at", "opened_at", "started_at", "finished_at", "revoked_at")


class RetiredFilter(admin.SimpleListFilter):
    """The tab; what is in it is told by the page."""

    title, parameter_name = "which", "which"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [("retired", "Retired")]

    def queryset(self, _request: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows


@admin.register(DunningCampaign)
class DunningCampaignAdmin(WithPage):
    list_filter = (RetiredFilter,)
    ordering = ("-id",)
    change_list_template = "back_office/campaigns/list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        at = working(request)
        is_retired = request.GET.get("which") == "retired"
        rows = plans.listed(at.of, is_retired=is_retired) if at and at.merchant else []
        told = {"plans": rows, "is_retired": is_retired, "may_own": at and at.may(Right.OWN)}
        answer: HttpResponseBase = super().changelist_view(
            request, {**(extra_context or {}), **told, "title": "Campaigns"}
        )
        return answer

    def page_of(self, request: HttpRequest, at: Working, row: DunningCampaign) -> HttpResponseBase:
        """The page of one version."""
        return show(
            request, "back_office/campaigns/campaign.html", title=row.name,
            heading=f"{row.name}, version {row.version}", opts=self.opts,
            trail=[("Campaigns", "../../")], **_told(request, at, row),
        )  # fmt: skip


def _told(request: HttpRequest, at: Working, campaign: DunningCampaign) -> dict[str, Any]:
    versions = plans.of(at, campaign.plan)
    facts = campaigns.read(next(one for one in versions if one.pk == campaign.pk))
    calendar = calendars.context(facts, merchant=at.of, told=request.GET, now=clock.now())
    return {
        "campaign": campaign,
        "facts": facts,
        "for_whom": plans.for_whom(facts),
        "retries": plans.RETRIES[facts.retries],
        "end": plans.ENDS[facts.end_action],
        "steps": [
            (comparison.when(step), comparison.what(step), plans.only(step))
            for step in facts.steps
        ],
        "live_runs": plans.live_runs(at.of).get(campaign.plan, 0),
        "calendar": calendar,
        "versions": plans.history(versions),
        "draft": plans.draft_of(versions),
        "current": plans.current_of(versions),
        "may_own": at.may(Right.OWN),
    }


@admin.register(DunningMessage)
class DunningMessageAdmin(OfACase):
    list_display = (
        "subject_shown", "customer_shown", "state_shown", "recipient_shown", "sent_at",
        "error_shown",
    )  # fmt: skip
    fields = (
        "public_id", "case", "state", "recipient", "language", "subject", "body_text", "error",
        "tries", "due_at", "sent_at",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("case__customer",)
    search_help_text = "E-mail, name, invoice, or id of the message or case"
    prefix = "msg"
    when_empty = "No mail was written yet. The first one is here when a campaign comes to it."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        is_list = request.resolver_match and "changelist" in str(request.resolver_match.url_name)
        return rows.defer("body_text", "body_html") if is_list else rows

    @admin.display(description="Error")
    def error_shown(self, message: DunningMessage) -> str:
        return shortly(message.error)

    @admin.display(description="Message")
    def subject_shown(self, message: DunningMessage) -> SafeString:
        address = reverse("admin:message", args=[message.public_id])
        unsaid = "forgotten" if message.content_forgotten_at else "not written yet"
        return format_html('<a href="{}">{}</a>', address, message.subject or unsaid)

    @admin.display(description="Recipient")
    def recipient_shown(self, message: DunningMessage) -> str:
        return words.recipient(message)


@admin.register(DunningRun)
class DunningRunAdmin(OfACase):
    list_display = (
        "customer_shown", "campaign_shown", "state_shown", "next_position", "due_at", "reason",
    )  # fmt: skip
    fields = (
        "case", "campaign", "state", "reason", "next_position", "due_at", "stepped_at",
        "started_at", "ended_at",
    )  # fmt: skip
    list_filter = ("state",)
    search_help_text = "E-mail, name, invoice, or id of the case"
    when_empty = "No campaign works a case yet. When a payment fails, its run is here."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what a run is called by, wherever it is named."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("case__customer", "campaign")

    @admin.display(description="Campaign")
    def campaign_shown(self, run: DunningRun) -> SafeString:
        return format_html('<a href="{}">{}</a>', plans.page_of(run.campaign), run.campaign)


@admin.register(PaymentUpdateLink)
class PaymentUpdateLinkAdmin(OfACase):
    """The token is in the mail and nowhere else, and its digest isn't shown either."""

    list_display = (
        "public_id", "customer_shown", "state_shown", "created_at", "expires_at", "opened_at",
        "finished_at",
    )  # fmt: skip
    list_display_links = ("public_id",)
    fields = ("public_id", "case", *TIMES, "replacement_requested_at", "replaced_at")
    list_select_related = ("case__customer",)
    search_help_text = "E-mail, name, invoice, or id of the link or case"
    prefix = "pul"
    orders = {"created_at": "id"}
    when_empty = "No link was made yet. Each mail to a customer has one, and it is here."
    actions = ("revoke",)

    @admin.display(description="State")
    def state_shown(self, link: PaymentUpdateLink) -> SafeString:
        if link.revoked_at:
            return badge("revoked", "bad")
        return badge("expired", "") if link.expires_at < clock.now() else badge("works", "good")

    @admin.action(description="Revoke the links", permissions=["operate"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, actor = clock.now(), actor_of(request)
        mine = chosen.select_related("case").order_by("pk")
        revoked = sum(links.revoke(link, now=now, actor=actor) for link in mine)
        self.message_user(request, f"Links revoked: {revoked}.")
