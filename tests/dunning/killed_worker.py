"""python -m tests.dunning.killed_worker POINT MESSAGE: a worker that delivers one message and is
killed at a point of that, as by kill -9: nothing is undone or said on the way out."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import django

KILLED = 9


def killed_before(_act: Callable[..., Any]) -> Callable[..., Any]:
    def die(*_: Any, **__: Any) -> None:
        os._exit(KILLED)

    return die


def killed_after(act: Callable[..., Any]) -> Callable[..., Any]:
    def die(*facts: Any, **named: Any) -> None:
        act(*facts, **named)
        os._exit(KILLED)

    return die


# (module of dunning.mail, what of it is called, when the worker dies)
POINTS = {
    "before the claim": ("truth", "ask_all", killed_after),
    "before the claim is committed": ("letters", "write", killed_after),
    "once it is claimed": ("handover", "hand_over", killed_before),
    "once the mail server has it": ("handover", "hand_over", killed_after),
    "while it is recorded": ("messages", "sent", killed_after),
    "once it is recorded": ("conversations", "told_all", killed_after),
}


def main(point: str, message_id: int) -> None:
    django.setup()
    from django.utils import timezone

    from tests.dunning.mail.sending import deliver_one

    module_name, name, killed = POINTS[point]
    module = import_module(f"dunning.mail.{module_name}")
    setattr(module, name, killed(getattr(module, name)))
    deliver_one(message_id, now=timezone.now())


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recover_project.settings")
    main(sys.argv[1], int(sys.argv[2]))
