"""What the sidebar leads to. Each place is shown to whoever may go there."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse, reverse_lazy

from recover_project.back_office import access
from recover_project.back_office.access import Right, Working
from recovery.models import Merchant

MOST_LISTED = 50
ACCOUNT = ("settings/branding/", "settings/mail/", "settings/merchants/", "preview/")


def _may(right: Right) -> Callable[[HttpRequest], bool]:
    return lambda request: access.may(request, right)


def _is_at(name: str, within: tuple[str, ...]) -> Callable[[HttpRequest], bool]:
    def is_at(request: HttpRequest) -> bool:
        home, place = reverse("admin:index"), reverse(f"admin:{name}")
        if place == home:
            return request.path == home
        return request.path.startswith((place, *(f"{home}{part}" for part in within)))

    return is_at


def _place(
    title: str, icon: str, name: str, right: Right = Right.LOOK, within: tuple[str, ...] = ()
) -> dict[str, Any]:
    """`icon` is one of Material Symbols' names; `name` is a route's in the site; `within` are the
    beginnings of other addresses that one is at this place for."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "active": _is_at(name, within),
        "permission": _may(right),
    }


def sidebar(_request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {
            "items": [
                _place("Home", "home", "index"),
                _place("Cases", "work", "recovery_recoverycase_changelist", within=("cases/",)),
                _place("Tasks", "task_alt", "recovery_operatortask_changelist"),
            ]
        },
        {
            "title": "Dunning",
            "items": [
                _place(
                    "Campaigns",
                    "route",
                    "dunning_dunningcampaign_changelist",
                    within=("campaigns/",),
                ),
                _place("What mails say", "edit_note", "wording"),
                _place("Runs", "play_circle", "dunning_dunningrun_changelist"),
                _place(
                    "Messages sent",
                    "mail",
                    "dunning_dunningmessage_changelist",
                    within=("messages/",),
                ),
                _place("Links", "link", "billing_portal_paymentupdatelink_changelist"),
            ],
        },
        {
            "title": "Operations",
            "items": [
                _place("Stripe events", "inbox", "recovery_stripeevent_changelist"),
                _place("Webhook deliveries", "send", "recovery_webhookdelivery_changelist"),
                _place("Reconciliation", "sync", "recovery_reconciliation_changelist"),
                _place("Health", "monitor_heart", "health"),
            ],
        },
        {
            "title": "Settings",
            "items": [
                _place("Account", "storefront", "settings", within=ACCOUNT),
                _place("Stripe", "credit_card", "settings_stripe", Right.OWN),
                _place("Keys", "key", "settings_keys", Right.OWN),
                _place("Webhooks", "webhook", "settings_webhooks", Right.OWN),
                _place("Team", "group", "settings_team", Right.OWN),
                _place("Changes", "history", "changes", Right.OWN),
            ],
        },
    ]


def own_account(_request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {"title": "Second factor", "link": reverse_lazy("mfa_index")},
        {"title": "Sessions", "link": reverse_lazy("usersessions_list")},
        {"title": "Change password", "link": reverse_lazy("account_change_password")},
    ]


def merchants_to_switch_to(at: Working) -> list[Merchant]:
    """Those that the user works for, by name, if there are several; of very many, the first."""
    if at.may(Right.STAFF):
        merchants = list(Merchant.objects.order_by("name", "pk")[:MOST_LISTED])
    else:
        merchants = sorted(at.own, key=lambda merchant: (merchant.name, merchant.pk))
    return merchants if len(merchants) > 1 else []
