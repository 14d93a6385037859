"""What is shown in a frame to be looked at: a document without an origin, scripts or forms, whose
links lead nowhere and which asks nobody for anything but pictures of ours."""

from collections.abc import Callable
from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.views.decorators.clickjacking import xframe_options_sameorigin

View = Callable[..., Any]
THEIR_OWN = "'unsafe-inline'"  # mails have their styles in their elements


def only_to_look_at(*styles: Any) -> Callable[[View], View]:
    """The view answers with such a document, which has its styles from there."""
    policy = {
        "default-src": [NONE], "script-src": [NONE], "style-src": list(styles),
        "img-src": [SELF, "data:"], "connect-src": [NONE], "font-src": [NONE],
        "frame-ancestors": [SELF], "form-action": [NONE], "sandbox": True,
    }  # fmt: skip

    def decorate(view: View) -> View:
        framed: View = csp_replace(policy)(xframe_options_sameorigin(view))
        return framed

    return decorate


def frames_ours(view: View) -> View:
    """The view answers with a page that has such a document in a frame."""
    framing: View = csp_replace({"frame-src": [SELF]})(view)
    return framing
