"""What is wrong with an option, in a sentence."""

from django.core.exceptions import ValidationError

CALLED = {
    "name": "name",
    "time_zone": "--timezone",
    "send_from_hour": "--from",
    "send_until_hour": "--until",
    "send_weekdays": "--weekdays",
    "decline_code": "CODE",
}


def sentence(error: ValidationError) -> str:
    """The first thing that is wrong, named as the option that says it."""
    field, messages = next(iter(error.message_dict.items()))
    return f"{CALLED.get(field, '--' + field.replace('_', '-'))}: {messages[0]}"
