"""Merchants' own words for a message, and the shipped ones where they have none."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from billing_portal.discretion import accusation
from billing_portal.languages import ENGLISH, LANGUAGES
from dunning.models import MessageTemplate
from dunning.wording import filling, plain_text
from dunning.wording.template_language import LONGEST_SOURCE, TemplateError
from dunning.wording.variables import LEAST, SAMPLES, SEVERAL
from dunning.wording.words import SHIPPED, TEMPLATES, Words
from recovery import desk, reading
from recovery.models import Merchant

LONGEST = {"subject": 300, "body": LONGEST_SOURCE, "text": LONGEST_SOURCE, "button": 100}


class TemplateRefusedError(ValueError):
    """What is wrong with a template, in one sentence, and with which `field` of it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def find(*, merchant: Merchant, name: str, language: str) -> Words:
    """The merchant's words in `language`, else the shipped ones; in English if nobody has any.

    Raises KeyError for a name that nothing is shipped for.
    """

    def find_own() -> MessageTemplate | None:
        mine = MessageTemplate.objects.of(merchant).filter(name=name, language=language)
        return mine.first()

    kept = desk.noted(("words", merchant.pk, name, language), find_own)
    if kept is None:
        return shipped(name=name, language=language)
    button = kept.button or shipped(name=name, language=language).button
    return Words(subject=kept.subject, body=kept.body, text=kept.text, button=button)


def own(merchant: Merchant) -> Mapping[tuple[str, str], MessageTemplate]:
    """The merchant's own words, by name and language."""
    kept = MessageTemplate.objects.of(merchant)
    return {(template.name, template.language): template for template in kept}


def shipped(*, name: str, language: str) -> Words:
    """Raises KeyError for a name that nothing is shipped for."""
    return SHIPPED.get(language, SHIPPED[ENGLISH])[name]


def save(
    *, merchant: Merchant, name: str, language: str, subject: str, body: str, text: str,
    button: str, now: datetime,
) -> MessageTemplate:  # fmt: skip
    """Keep a merchant's words for the message `name` in `language`, instead of earlier ones.

    An empty `text` is made from the body, an empty `button` is the shipped one's. Raises
    TemplateRefusedError.
    """
    written = Words(subject=subject, body=body, text=text, button=button)
    words = checked(written, name=name, language=language)
    template, _created = MessageTemplate.objects.update_or_create(
        merchant=merchant, name=name, language=language,
        defaults={
            "subject": words.subject, "body": words.body, "text": words.text,
            "button": words.button, "updated_at": now,
        },
    )  # fmt: skip
    return template


def checked(written: Words, *, name: str, language: str) -> Words:
    """What would be kept of a merchant's words for a message. Raises TemplateRefusedError."""
    check_name(name, language)
    words = Words(
        subject=_storable("subject", written.subject),
        body=_cleaned(_storable("body", written.body)),
        text=_storable("text", written.text),
        button=_storable("button", written.button),
    )
    _check(words, language=language, button=words.button or SHIPPED[language][name].button)
    return words


def restore(*, merchant: Merchant, name: str, language: str) -> bool:
    """The shipped words hold again; False if they held already. Raises TemplateRefusedError."""
    check_name(name, language)
    kept = MessageTemplate.objects.of(merchant).filter(name=name, language=language)
    deleted, _by_model = kept.delete()
    return bool(deleted)


def check_name(name: str, language: str) -> None:
    """Raises TemplateRefusedError for a message or a language that nothing is shipped for."""
    if name not in TEMPLATES:
        why = f"There is no message “{name}”; there are {', '.join(TEMPLATES)}."
        raise TemplateRefusedError("name", why)
    if language not in LANGUAGES:
        why = f"There is no language “{language}”; there are {', '.join(LANGUAGES)}."
        raise TemplateRefusedError("language", why)


def _storable(field: str, written: str) -> str:
    """What any database can hold, refused and never cut where it is too long."""
    kept = reading.text(written.strip(), longest=LONGEST[field] + 1)
    if len(kept) > LONGEST[field]:
        why = f"The {field} is longer than {LONGEST[field]:,} characters."
        raise TemplateRefusedError(field, why)
    return kept


def _cleaned(body: str) -> str:
    try:
        return filling.cleaned(body)
    except TemplateError as error:
        raise TemplateRefusedError("body", str(error)) from error


def _check(words: Words, *, language: str, button: str) -> None:
    """The form of each field, what customers may read, and whether mails can be made of it."""
    fields = (
        ("subject", words.subject), ("body", words.body), ("text", words.text),
        ("button", words.button),
    )  # fmt: skip
    for field, source in fields:
        _check_form(field, source)
        _check_words(field, source, language)
    whole = replace(words, button=button)
    for facts in (SAMPLES, LEAST, SEVERAL):
        try:
            filled = filling.fill(whole, facts)
        except filling.UnfilledError as error:
            raise TemplateRefusedError(error.field, str(error)) from error
        _check_words("subject", filled.subject, language)
        _check_words("body", filled.html, language)
        _check_words("text", filled.text, language)
        _check_words("button", filled.button, language)


def _check_form(field: str, source: str) -> None:
    if field in {"subject", "button"} and len(source.splitlines()) > 1:
        raise TemplateRefusedError(field, f"The {field} must be on one line.")
    if field in {"subject", "body"} and not source:
        raise TemplateRefusedError(field, f"The {field} is empty.")


def _check_words(field: str, written: str, language: str) -> None:
    """A template may be in a language that isn't the one it is kept for, so English counts too."""
    told = plain_text.from_html(written) if field == "body" else written
    for spoken in dict.fromkeys((language, ENGLISH)):
        if word := accusation(told, spoken):
            why = (
                f"“{word}” is nothing a customer may read of a payment: say that it was declined."
            )
            raise TemplateRefusedError(field, why)
