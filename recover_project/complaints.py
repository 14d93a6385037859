"""What Django's checks warn of: a production that nobody can have meant."""

from django.conf import settings
from django.core import checks

FILES = "django.core.mail.backends.filebased.EmailBackend"


@checks.register
def mail_goes_out(**_: object) -> list[checks.CheckMessage]:
    if settings.DEBUG or settings.EMAIL_BACKEND != FILES:
        return []
    return [
        checks.Warning(
            "No customer gets a mail: mails are written to files.",
            hint="Set EMAIL_URL or EMAIL_PROVIDER (docs/configuration.md, Mail).",
            id="recover_project.W001",
        )
    ]
