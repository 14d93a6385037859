"""/_local: the same controls over HTTP, for when this runs as a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .errors import ApiError
from .exchange import Reply, Request
from .shapes import Object

if TYPE_CHECKING:
    from .local import LocalStripe


class Control:
    """Every route takes and gives JSON."""

    def __init__(self, local_stripe: LocalStripe) -> None:
        self._local_stripe = local_stripe
        self._routes: dict[str, Callable[[Object], Any]] = {
            "GET /_local/clock": self._clock,
            "POST /_local/clock/advance": self._advance,
            "GET /_local/faults": self._faults,
            "POST /_local/faults": self._add_fault,
            "DELETE /_local/faults": self._clear_faults,
            "GET /_local/deliveries": self._deliveries,
            "GET /_local/requests": self._requests,
            "POST /_local/restrict": self._restrict,
            "POST /_local/revoke": self._revoke,
            "POST /_local/billing": self._billing,
            "POST /_local/settle": self._settle,
            "POST /_local/reset": self._reset,
        }

    def answer(self, request: Request) -> Reply:
        try:
            given = json.loads(request.body) if request.body else {}
            return _json(200, self._dispatch(request, given))
        except ApiError as error:
            return _json(error.status, {"error": error.fields})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return _json(400, {"error": {"message": f"{type(error).__name__}: {error}"}})

    def _dispatch(self, request: Request, given: Object) -> Any:
        name = f"{request.method} {request.path}"
        scenario = name.removeprefix("POST /_local/scenarios/")
        if scenario != name:
            return self._local_stripe.scenarios.play(scenario, given)
        route = self._routes.get(name)
        if route is None:
            raise ApiError(404, {"message": f"No control at {name}"})
        return route(given)

    def _clock(self, _: Object) -> Any:
        return {"now": self._local_stripe.clock.now()}

    def _advance(self, given: Object) -> Any:
        self._local_stripe.clock.advance(**given)
        return self._clock({})

    def _faults(self, _: Object) -> Any:
        return {"faults": self._local_stripe.faults.waiting()}

    def _add_fault(self, given: Object) -> Any:
        return asdict(self._local_stripe.faults.add(given.pop("kind"), **given))

    def _clear_faults(self, _: Object) -> Any:
        self._local_stripe.faults.clear()
        return {"faults": []}

    def _deliveries(self, _: Object) -> Any:
        return {"deliveries": [asdict(attempt) for attempt in self._local_stripe.deliveries]}

    def _requests(self, _: Object) -> Any:
        return {"requests": [asdict(exchange) for exchange in self._local_stripe.requests]}

    def _restrict(self, given: Object) -> Any:
        self._local_stripe.world.restrict(given["key"], missing=given["missing"])
        return given

    def _revoke(self, given: Object) -> Any:
        self._local_stripe.world.revoke(given["key"])
        return given

    def _billing(self, given: Object) -> Any:
        settings = self._local_stripe.world.billing
        for name, value in given.items():
            if name not in asdict(settings):
                raise ValueError(f"no such setting: {name}")
            setattr(settings, name, tuple(value) if isinstance(value, list) else value)
        return asdict(settings)

    def _settle(self, given: Object) -> Any:
        seconds = float(given.get("seconds", 5))
        return {"all_tried": self._local_stripe.wait_until_delivered(seconds)}

    def _reset(self, _: Object) -> Any:
        self._local_stripe.reset()
        return {"reset": True}


def _json(status: int, value: Any) -> Reply:
    return Reply(status, json.dumps(value, indent=2).encode())
