"""{{ text|prose }}: a sentence of the API's description, with its code as code."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from recovery.api.description.markdown import inline

register = template.Library()


@register.filter
def prose(text: str) -> SafeString:
    return mark_safe(inline(text, lambda _link: None))  # noqa: S308 - `inline` escapes it all
