"""Cases that closed while a run may work them.

On PostgreSQL the database notes each as it closes (migration 0014), so that a tick reads what
closed since the last one and not a million live runs. On SQLite, which is for trying out, runs and
cases are compared: there, a later migration of cases would quietly take the trigger away.
"""

from collections.abc import Iterator

from django.db import connection

from dunning.models import Closing, DunningRun
from recovery.batches import pages
from recovery.state_machine import Status

BATCH = 200


def case_ids() -> Iterator[int]:
    """A case may be open again, or have no run. Those that aren't struck come again."""
    if connection.vendor == "postgresql":
        yield from (closing.case_id for closing in pages(Closing.objects.all(), size=BATCH))
        return
    live = DunningRun.objects.filter(state=DunningRun.State.LIVE)
    worked = live.exclude(case__status=Status.OPEN)
    yield from (run.case_id for run in pages(worked, size=BATCH))


def strike(case_id: int) -> None:
    """To be called before the case is looked at, in the same transaction: what closes after the
    look is noted anew."""
    Closing.objects.filter(case=case_id).delete()
