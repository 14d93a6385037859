"""Every command and request of docs/authentication.md, in its order."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import ApiKey, Merchant
from tests.builders import make_merchant
from tests.recovery.credentials.cast import member
from tests.recovery.test_commands import run

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).parents[3] / "docs" / "authentication.md"
MANAGE = ".venv/bin/python manage.py "
HERE = "http://127.0.0.1:8000"


class Shell:
    """Runs the lines of an example; what they print is in `printed`, what they name in `names`."""

    def __init__(self, merchant: Merchant) -> None:
        internal_key = credentials.new_internal_key(merchant=merchant, now=timezone.now())
        self.names = {"mer_…": merchant.public_id, "$INTERNAL_KEY": internal_key}
        self.printed: list[str] = []

    def run(self, line: str) -> None:
        for name, value in self.names.items():
            line = line.replace(name, value)
        assert "…" not in line
        assert "$" not in line
        words = shlex.split(line)
        printed = run(*words[2:]) if line.startswith(MANAGE) else curl(words[1:])
        self.printed.append(printed.strip())


def curl(words: list[str]) -> str:
    headers, body, [address] = {}, None, words[-1:]
    for option, value in zip(words[:-1:2], words[1::2], strict=True):
        if option == "-H":
            name, _colon, content = value.partition(": ")
            headers[name] = content
        else:
            assert option == "-d"
            body = value
    answer = Client().generic(
        "GET" if body is None else "POST", address.removeprefix(HERE), body or "",
        content_type=headers.pop("Content-Type", ""), headers=headers,
    )  # fmt: skip
    assert answer.status_code == 200
    return str(answer.content.decode())


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)


def lines() -> list[str]:
    joined = "".join(examples("sh")).replace("\\\n", "")
    return joined.splitlines()


def test_every_example_works_in_its_order() -> None:
    merchant = make_merchant()
    member(merchant)
    shell = Shell(merchant)

    for line in lines():
        shell.run(line)
        if " create " in line:
            shell.names |= {"$API_KEY": shell.printed[-1]}
            shell.names |= {"key_…": ApiKey.objects.latest("id").key_id}
        if line.endswith("/token"):
            answer = json.loads(shell.printed[-1])
            assert answer == told(answer, merchant)
            shell.names["$REFRESH"] = answer["refresh"]

    assert len(shell.printed) == len(lines()) == 10


def told(answer: dict[str, Any], merchant: Merchant) -> dict[str, Any]:
    """The documented answer, with what differs each time."""
    [example] = examples("json")
    documented: dict[str, Any] = json.loads(example)
    for token in ("access", "refresh"):
        assert answer[token].startswith(documented[token].removesuffix("…"))
    return documented | {
        "access": answer["access"], "refresh": answer["refresh"], "merchant": merchant.public_id,
    }  # fmt: skip
