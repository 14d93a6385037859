"""Counting requests, in windows of django-ratelimit."""

import logging
from time import monotonic
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError
from rest_framework.request import Request

from recovery.limits.client_address import client_address
from recovery.limits.outage import Outage
from recovery.limits.usage import PERIOD_SECONDS, REQUESTS, Limit, Usage

logger = logging.getLogger(__name__)

NOTED = "recover.limits.usage"  # in a request's META
_outage = Outage()


def count(request: HttpRequest | Request, *, limit: Limit, identity: str) -> Usage | None:
    """One more request of `identity`, noted on the request so that its answer can say it.

    None if nobody counts: a store that fails lets requests pass, and the log says so.
    """
    now = monotonic()
    if _outage.is_on(now=now):
        return None
    try:
        usage = _counted(request, limit=limit, identity=identity)
    except (RedisError, OSError) as error:
        if _outage.failed(now=now):
            logger.warning("Requests pass uncounted: the store of the limits fails (%s).", error)
        return None
    request.META[NOTED] = usage
    return usage


def count_address(request: HttpRequest | Request) -> Usage | None:
    """One more request from where this one comes from."""
    address = client_address(request.META, trusted_proxies=settings.TRUSTED_PROXY_COUNT)
    return count(request, limit=Limit.ADDRESS, identity=address)


def noted(request: HttpRequest | Request) -> Usage | None:
    """What was counted last for this request."""
    usage: Usage | None = request.META.get(NOTED)
    return usage


def _counted(request: HttpRequest | Request, *, limit: Limit, identity: str) -> Usage | None:
    """None if limits are switched off (RATELIMIT_ENABLE), or the count was lost twice."""
    for _try in range(2):
        found: dict[str, Any] | None = get_usage(
            request,
            group=limit.value,
            key=lambda _group, _request: identity,
            rate=(REQUESTS[limit], PERIOD_SECONDS),
            increment=True,
        )
        if found is None:
            return None
        if found["limit"]:  # else the counter ended just now: the next look makes a new one
            return Usage.after(
                count=found["count"], limit=found["limit"], time_left=found["time_left"]
            )
    return None
