"""What Django reports of an error, on its page for developers and in mails to admins."""

from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from recover_project.logs import redact


class Redacted(ExceptionReporter):
    """A report tells the address that was asked for, all that was sent, and the variables of each
    function: what a log line may not show is cut out of the whole of it."""

    def get_traceback_html(self) -> SafeString:
        return SafeString(redact(super().get_traceback_html()))

    def get_traceback_text(self) -> SafeString:
        return SafeString(redact(super().get_traceback_text()))
