"""What a run found and did, said to people."""

from recovery.models import Reconciliation

EndpointState = Reconciliation.EndpointState
ENDPOINT = {
    EndpointState.NOT_ASKED: "The endpoint was not looked at.",
    EndpointState.FINE: "The endpoint is as it should be.",
    EndpointState.PLATFORMS: "The endpoint is the platform's.",
    EndpointState.BY_HAND: "The endpoint was made by hand and is left alone.",
    EndpointState.ENABLED: "The endpoint was disabled and is enabled again.",
    EndpointState.CORRECTED: "The endpoint had been changed and is corrected.",
    EndpointState.MADE_ANEW: "The endpoint was deleted and is made anew.",
    EndpointState.LEFT: "The endpoint could not be looked after.",
}


def sentences(run: Reconciliation) -> list[str]:
    """In the order of what matters: what was amiss, then what was looked at."""
    told = [run.error] if run.error else []
    return [*told, _events(run), *_opened(run), _cases(run), ENDPOINT[EndpointState(run.endpoint)]]


def _events(run: Reconciliation) -> str:
    if run.covered_from is None:
        return "No events were read."
    read = _count(run.events_read, "event was", "events were")
    if not run.events_missed:
        return f"{read} read; none had been missed."
    missed = _count(run.events_missed, "had been missed and is", "had been missed and are")
    return f"{read} read; {missed} processed like any other."


def _opened(run: Reconciliation) -> list[str]:
    if not run.cases_opened:
        return []
    opened = _count(run.cases_opened, "case was", "cases were")
    return [f"{opened} opened whose events Stripe no longer keeps."]


def _cases(run: Reconciliation) -> str:
    if not run.cases_asked:
        return "No open case was due to be asked about."
    asked = _count(run.cases_asked, "open case was", "open cases were")
    if not run.cases_moved:
        return f"{asked} asked about; none had moved."
    moved = _count(run.cases_moved, "had moved and is", "had moved and are")
    return f"{asked} asked about; {moved} as in Stripe now."


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
