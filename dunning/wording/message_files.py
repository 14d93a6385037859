"""A message's words as a TOML file: what is exported can be edited and read again."""

import json
import re
import tomllib
from dataclasses import asdict

from dunning.wording.words import Words

NAMES = ("subject", "button", "body", "text")
# Between three apostrophes TOML takes everything as it stands, but for these.
_NOT_AS_IT_STANDS = re.compile(r"'''|'\Z|[^\S\n\t -~]|[\x00-\x08\x0b-\x1f\x7f]")


class MessageFileError(ValueError):
    """The file can't be read as a message; the text says in one sentence why."""


def read(text: str) -> Words:
    """What the file says; what it leaves out is "". Raises MessageFileError.

    Whether a mail can be made of such words is not looked at.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MessageFileError(f"That is no TOML: {error}.") from error
    for name, value in told.items():
        if name not in NAMES:
            raise MessageFileError(f"There is no {name!r}, only {', '.join(NAMES)}.")
        if not isinstance(value, str):
            raise MessageFileError(f"The {name} must be a text.")
    return Words(**{name: told.get(name, "") for name in NAMES})


def write(words: Words) -> str:
    """The file that read() reads as the same words."""
    written = asdict(words)
    return "".join(f"{name} = {_value(written[name])}\n" for name in NAMES)


def _value(value: str) -> str:
    """Several lines as they stand; else JSON's text, which is TOML's but for one character."""
    if "\n" in value and not _NOT_AS_IT_STANDS.search(value):
        return f"'''\n{value}'''"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
