"""What is counted together, how much of it is allowed, and how an answer says so."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

PERIOD_SECONDS = 60


class Limit(enum.StrEnum):
    CREDENTIAL = "credential"  # all requests that show one API key or internal key
    ADDRESS = "address"  # all requests from one address to what anybody may ask for
    ONE_CLICK = "one_click"  # what mailbox providers post about one mail
    TRIAL_MAIL = "trial_mail"  # mails that one person sends to themselves


# How many requests pass in a period: the contract, section 6; the last is of the back office.
REQUESTS: Mapping[Limit, int] = MappingProxyType(
    {Limit.CREDENTIAL: 100, Limit.ADDRESS: 60, Limit.ONE_CLICK: 60, Limit.TRIAL_MAIL: 5}
)


@dataclass(frozen=True, slots=True)
class Usage:
    """One request has been counted. `reset` is in whole seconds, at least 1: when they are over,
    the next request passes."""

    limit: int
    remaining: int
    reset: int
    is_exceeded: bool

    @classmethod
    def after(cls, *, count: int, limit: int, time_left: int) -> "Usage":
        """The window's last second, `time_left` seconds ahead, still belongs to it: the next
        window begins one second later."""
        return cls(
            limit=limit,
            remaining=max(0, limit - count),
            reset=max(1, time_left + 1),
            is_exceeded=count > limit,
        )

    @property
    def headers(self) -> dict[str, str]:
        """Three fields of one number each, `RateLimit-Reset` in seconds from now, as revision 06
        of draft-ietf-httpapi-ratelimit-headers has them (December 2022): the form that clients
        read. Later revisions, up to 11 of May 2026, fold them into one `RateLimit` field of
        another shape and are no standard yet."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
