"""What is filled in: how a form looks, what a use case refused, and what it says to who may only
look."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from recover_project.back_office.access import Working
from recovery.credentials import InvalidKeyError
from recovery.merchants import ConnectError
from recovery.webhook_registrations import InvalidRegistrationError, TooManyRegistrationsError

NOTHING = "–"  # noqa: RUF001 # a dash


class Form(forms.Form):
    """Browsers leave the checking to us: what is wrong is said in our words, at its field."""

    use_required_attribute = False

    def facts(self) -> list[tuple[str, str]]:
        """Each label with its value, for who may not change it."""
        return [(str(field.label), _shown(field)) for field in self]


def _shown(bound: forms.BoundField) -> str:
    value: Any = bound.initial
    if isinstance(bound.field, forms.BooleanField):
        return "yes" if value else "no"
    choices = dict(getattr(bound.field, "choices", ()))
    values = value if isinstance(value, list) else [value]
    told = [str(choices.get(one, one)) for one in values if one not in {None, ""}]
    return ", ".join(told) or NOTHING


def taken(form: forms.Form, at: Working, work: Callable[[], object]) -> bool:
    """Does it, if what was filled in can be; what the use case refuses is said at its field. Then
    the merchant is what it was, also to the page that says so."""
    if not form.is_valid():
        return False
    try:
        work()
    except ValidationError as error:
        told = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for field, sentences in told.items():
            _say(form, field, sentences)
    except (InvalidKeyError, InvalidRegistrationError) as error:
        _say(form, error.field, [str(error)])
    except (ConnectError, TooManyRegistrationsError) as error:
        _say(form, "", [str(error)])
    else:
        return True
    if at.merchant is not None:
        at.merchant.refresh_from_db()
    return False


def _say(form: forms.Form, field: str, sentences: list[str]) -> None:
    for sentence in sentences:
        form.add_error(field if field in form.fields else None, sentence)
