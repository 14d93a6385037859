"""What each line of the log is about: the ids that lead from a webhook to a mail.

`debt` is the one that goes all the way: the id that Stripe gave the invoice or one-time payment.
It stands in the event, on the case and in whatever is done about it: it need not be handed on.
`event`, `case`, `message_id` and `merchant` stand beside it where they are known, and `request`
while one is answered.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


def current() -> Mapping[str, str]:
    return _ABOUT.get()


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Whatever is logged within is about these too."""
    before = _ABOUT.set({**_ABOUT.get(), **ids})
    try:
        yield
    finally:
        _ABOUT.reset(before)


def also(**ids: str) -> None:
    """What is logged from here to the end of the `about` that we are in is about these too."""
    _ABOUT.set({**_ABOUT.get(), **ids})
