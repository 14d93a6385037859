"""A message's words with its facts filled in: what is the merchant's markup stays harmless."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import nh3

from dunning.wording import plain_text
from dunning.wording.plain_text import one_line
from dunning.wording.template_language import TemplateError, marks, parse
from dunning.wording.variables import NAMES
from dunning.wording.words import Words

LONGEST_SUBJECT = 250
LONGEST_BUTTON = 100
_TAG = re.compile(r"<([a-zA-Z][\w-]*)([^<>]*)>")
_ATTRIBUTE = re.compile(r"\s([a-zA-Z][\w-]*)\s*=")
TAGS = frozenset({"p", "br", "strong", "em", "a", "ul", "ol", "li", "h2", "blockquote"})
SCHEMES = frozenset({"http", "https", "mailto"})
# Mail programs read no style sheets, so each tag carries its own.
STYLES: Mapping[str, str] = {
    "p": "margin:0 0 14px",
    "a": "color:inherit;text-decoration:underline",
    "ul": "margin:0 0 14px;padding:0 22px",
    "ol": "margin:0 0 14px;padding:0 22px",
    "li": "margin:0 0 4px",
    "h2": "margin:0 0 10px;font-size:18px;line-height:25px;font-weight:600",
    "blockquote": "margin:0 0 14px;padding:0 14px",
}
# Stand for what is in braces while the markup around it is cleaned: no markup has them.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_HREF = re.compile(f"{_OPEN}|https?://|mailto:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filled:
    """`html` is a fragment with styles in its tags, `text` the same in words."""

    subject: str
    text: str
    html: str
    button: str


class UnfilledError(TemplateError):
    """A `field` of the words that can't be filled in, or of which nothing is left then."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def fill(words: Words, facts: Mapping[str, str | int]) -> Filled:
    """Raises UnfilledError."""
    html = nh3.clean(
        _filled("body", words.body, facts),
        tags=set(TAGS), attributes={"a": {"href"}}, url_schemes=set(SCHEMES), link_rel=None,
        url_relative="deny",
        set_tag_attribute_values={tag: {"style": style} for tag, style in STYLES.items()},
    ).strip()  # fmt: skip
    parts = {
        "subject": one_line(_filled("subject", words.subject, facts), longest=LONGEST_SUBJECT),
        "button": one_line(_filled("button", words.button, facts), longest=LONGEST_BUTTON),
        "body": plain_text.from_html(html),
    }
    parts["text"] = _filled("text", words.text, facts).strip() if words.text else parts["body"]
    for field, part in parts.items():
        if not part:
            raise UnfilledError(field, f"Nothing is left of the {field} once it is filled in.")
    return Filled(subject=parts["subject"], text=parts["text"], html=html, button=parts["button"])


def _filled(field: str, source: str, facts: Mapping[str, str | int]) -> str:
    try:
        return parse(source, known=NAMES, is_html=field == "body").render(facts)
    except TemplateError as error:
        raise UnfilledError(field, str(error)) from error


def cleaned(body: str) -> str:
    """`body`, still in the template language, with the tags that mails may have and no others.

    Raises TemplateError for braces that aren't closed.
    """
    body = body.replace(_OPEN, "").replace(_CLOSE, "")
    kept: list[str] = []
    parts: list[str] = []
    before = 0
    for start, end in marks(body):
        parts += [body[before:start], f"{_OPEN}{len(kept)}{_CLOSE}"]
        kept.append(body[start:end])
        before = end
    markup = nh3.clean(
        "".join([*parts, body[before:]]),
        tags=set(TAGS), attributes={"a": {"href"}}, url_schemes=set(SCHEMES), link_rel=None,
        attribute_filter=lambda _tag, _name, value: value if _HREF.match(value) else None,
    )  # fmt: skip
    markup = markup.replace("&nbsp;", "\xa0")  # as it was written
    return _PLACE.sub(lambda place: kept[int(place[1])], markup).strip()


def taken_out(body: str, kept: str) -> list[str]:
    """What cleaning took out of `body`, as people call it: `<img>`, `onclick`."""
    return sorted(_markup(body) - _markup(kept))


def _markup(body: str) -> set[str]:
    tags = _TAG.findall(body)
    return {f"<{name.lower()}>" for name, _rest in tags} | {
        name.lower() for _tag, rest in tags for name in _ATTRIBUTE.findall(rest)
    }
