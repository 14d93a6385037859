"""All that the site shows: importing a module here registers its lists and declares its pages."""

from recover_project.back_office import previews, switching
from recover_project.back_office.campaigns import editing, publishing, word_previews, wording
from recover_project.back_office.campaigns import lists as campaign_lists
from recover_project.back_office.cases import acting, view_pages
from recover_project.back_office.cases import lists as case_lists
from recover_project.back_office.cases import messages as case_messages
from recover_project.back_office.customers import pages as customer_pages
from recover_project.back_office.operations import health, reconciling
from recover_project.back_office.operations import lists as operation_lists
from recover_project.back_office.people import changes
from recover_project.back_office.settings import (
    account,
    branding,
    keys,
    linking,
    mail,
    new_merchant,
    shown_once,
    stripe,
    team,
    webhooks,
)
from recover_project.back_office.settings import lists as settings_lists

__all__ = [
    "account",
    "acting",
    "branding",
    "campaign_lists",
    "case_lists",
    "case_messages",
    "changes",
    "customer_pages",
    "editing",
    "health",
    "keys",
    "linking",
    "mail",
    "new_merchant",
    "operation_lists",
    "previews",
    "publishing",
    "reconciling",
    "settings_lists",
    "shown_once",
    "stripe",
    "switching",
    "team",
    "view_pages",
    "webhooks",
    "word_previews",
    "wording",
]
