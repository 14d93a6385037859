"""All that the site shows: importing a module here registers its lists and declares its pages."""

from recover_project.back_office import previews, switching
from recover_project.back_office.campaigns import editing, publishing, word_previews, wording
from recover_project.back_office.campaigns import lists as campaign_lists
from recover_project.back_office.cases import acting
from recover_project.back_office.cases import lists as case_lists
from recover_project.back_office.cases import messages as case_messages
from recover_project.back_office.operations import lists as operation_lists
from recover_project.back_office.people import changes
from recover_project.back_office.settings import lists as settings_lists

__all__ = [
    "acting",
    "campaign_lists",
    "case_lists",
    "case_messages",
    "changes",
    "editing",
    "operation_lists",
    "previews",
    "publishing",
    "settings_lists",
    "switching",
    "word_previews",
    "wording",
]
