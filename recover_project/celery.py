"""The Celery application: broker, routes and timetable."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kombu
from celery import Celery, Task, signals
from kombu.transport import TRANSPORT_ALIASES

from recovery.turns import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recover_project.settings")

TRANSPORT_ALIASES["folder"] = "recover_project.broker:Transport"
app = Celery("recover")


def _broker() -> dict[str, Any]:
    """Redis where there is one; else a folder, so that worker and beat are the same programs
    without a server. Either may lose everything: the rows are the truth, a message only says
    that a look is worth while (docs/adr/0003-rows-are-the-truth.md)."""
    from django.conf import settings  # noqa: PLC0415 - settings load this package first

    if settings.REDIS_URL:
        return {
            "broker_url": settings.REDIS_URL,
            "broker_transport_options": {
                "socket_timeout": 5,
                "socket_connect_timeout": 2,
                # A poke that finds no broker gives up at once: Stripe waits for the answer.
                "max_retries": 0,
                "queue_order_strategy": "sorted",  # recovery/turns.py
            },
        }
    folders = {name: Path(settings.RUN_DIR) / "broker" / name for name in ("queue", "control")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        # One process: Celery's pool of several shares a lock where its broker is no server's, and
        # one that is killed while it holds it would keep all others waiting for ever.
        "worker_pool": "threads",
        "broker_url": "folder://localhost//",
        "broker_transport_options": {
            "data_folder_in": str(folders["queue"]),
            "data_folder_out": str(folders["queue"]),
            "control_folder": str(folders["control"]),
            "polling_interval": 0.2,
        },
    }


def _every(seconds: float, task: str, *, queue: Queue = Queue.DUE) -> dict[str, Any]:
    # A tick that nobody took before the next one is due is worth nothing.
    options = {"expires": max(seconds, 10), "queue": queue.value}
    return {"task": task, "schedule": seconds, "options": options}


def _in_time(seconds: float, task: str) -> dict[str, Any]:
    """What may be long, and waits until nothing else is due."""
    return _every(seconds, task, queue=Queue.LATER)


@app.on_configure.connect
def _configure(sender: Celery, **_: object) -> None:
    sender.conf.update(_broker())


@signals.worker_init.connect
def _follow_the_one_clock(**_: object) -> None:
    from recovery import clock  # noqa: PLC0415 - settings load this package first

    clock.follow_database()


def _monitored(service: str) -> Callable[..., None]:
    def begin(**_: object) -> None:
        from recover_project import monitoring  # noqa: PLC0415

        monitoring.begin(service)

    return begin


@signals.worker_init.connect
def _monitor_the_first(**_: object) -> None:
    """The process that works by itself, or only starts those that do."""
    from recover_project import monitoring  # noqa: PLC0415

    is_alone = app.conf.worker_pool == "threads"
    (monitoring.begin if is_alone else monitoring.begin_above)("worker")


signals.worker_process_init.connect(_monitored("worker"), weak=False)
signals.beat_init.connect(_monitored("beat"), weak=False)


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def _end_monitoring(**_: object) -> None:
    from recover_project import monitoring  # noqa: PLC0415

    monitoring.end()


@signals.worker_init.connect
def _keep_what_is_loaded(**_: object) -> None:
    """Before a worker forks: what is loaded once is never garbage, and a page of memory that
    nobody looks through stays one for all of its processes
    (docs.python.org/3/library/gc.html#gc.freeze)."""
    gc.collect()
    gc.freeze()


@signals.worker_init.connect
@signals.worker_process_init.connect
def _look_before_lending(**_: object) -> None:
    """A pool asks a connection whether it still works before a task has it."""
    from django.db import connections  # noqa: PLC0415 - settings load this package first

    for settings in connections.settings.values():
        settings["CONN_HEALTH_CHECKS"] = True


@signals.task_postrun.connect
def _give_connections_back(task: Task[..., Any], **_: object) -> None:
    """To the process's pool, where it has one, for the next task."""
    from django.db import connections  # noqa: PLC0415 - settings load this package first

    if not task.request.is_eager:
        connections.close_all()


app.conf.update(
    # Celery would close the pool itself before each task and after it, and each would wait for
    # PostgreSQL to start a process (github.com/celery/celery/issues/10554).
    CELERY_DB_REUSE_MAX=sys.maxsize,
    task_queues=[kombu.Queue(name, kombu.Exchange("celery"), routing_key=name) for name in Queue],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    task_publish_retry=False,  # a poke that can't be given is left to the sweep
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    # In the order in which money moves.
    beat_schedule={
        "say that work is done": _every(15, "recovery.beat_heart"),
        "process events no task took": _every(5, "recovery.process_inbox"),
        "ask Stripe what was left out": _every(15, "recovery.enrich_cases"),
        "charge new cards": _every(5, "billing_portal.charge_new_cards"),
        "resume cases whose pause is over": _every(30, "recovery.resume_cases"),
        "start dunning": _every(5, "dunning.start_runs"),
        "work due steps": _every(5, "dunning.work_due_steps"),
        "tell Stripe who asks for the money": _every(5, "dunning.tell_stripe"),
        "ask for the money again": _every(5, "dunning.charge_due_retries"),
        "send the links that were asked for": _every(5, "dunning.replace_links"),
        "deliver what no task took": _every(10, "dunning.deliver_queued"),
        "learn what became of charges": _every(120, "recovery.look_up_charges"),
        "end what nobody paid at Checkout": _every(60, "recovery.look_after_checkouts"),
        "compare with Stripe": _in_time(60, "recovery.reconcile"),
        "tell merchants' own systems": _in_time(5, "recovery.tell_webhooks"),
        "put figures together": _every(60, "recovery.keep_tallies"),
        "set aside what may or may not have been sent": _every(10, "dunning.set_aside_unknown"),
        "look whether all holds that must": _every(60, "recover_project.check_invariants"),
        "forget old idempotency keys": _in_time(600, "recovery.forget_requests"),
        "forget keys that ended long ago": _in_time(3600, "recovery.forget_ended_credentials"),
        "forget logins that are over": _in_time(3600, "recover_project.forget_sessions"),
        "forget what old events said": _in_time(3600, "recovery.forget_payloads"),
        "forget what old mails said": _in_time(3600, "dunning.forget_contents"),
        "forget what events said of who was erased": _in_time(60, "recovery.forget_erased"),
    },
)
app.autodiscover_tasks()
