from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class SiteConfig(SimpleAdminConfig):
    """Django's admin, without what other apps would register by themselves."""

    default = False
    default_site = "recover_project.back_office.site.BackOfficeSite"


class BackOfficeConfig(AppConfig):
    default = True
    name = "recover_project.back_office"
    label = "back_office"
    verbose_name = "Back office"

    def ready(self) -> None:
        import_module("recover_project.complaints")
        import_module("recover_project.back_office.contents")
        import_module("recover_project.back_office.people.recording").record()
