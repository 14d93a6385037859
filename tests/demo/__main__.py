"""python -m tests.demo, run by `python3 dev.py run`."""

import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

from . import guide, merchant
from .processes import Failed, Processes, Stopped

ROOT = Path(__file__).resolve().parents[2]
KEPT_RUNNING = ("web", "worker", "beat")
ANSWERS_WITHIN = 60  # seconds


def main() -> int:
    environment = _environment()
    processes = Processes(folder=str(ROOT), environment=environment)
    try:
        _run(processes)
    except Stopped:
        print("\nStopping ...", flush=True)
        return 0
    except Failed as failure:
        print(failure, file=sys.stderr, flush=True)
        return 1
    finally:
        processes.stop()
    return 0


def _environment() -> dict[str, str]:
    run_dir = Path(os.environ.get("RUN_DIR") or ROOT / "run").absolute()
    environment = {name: value for name, value in os.environ.items() if value.strip()}
    environment |= {
        "RUN_DIR": str(run_dir),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    environment.setdefault("PORT", "8000")
    environment.setdefault("HOST", "127.0.0.1")
    environment.setdefault("LOG_LEVEL", "warning")  # the guide stays in sight
    if "REDIS_URL" not in environment:
        environment.setdefault("WEB_THREADS", "4")
        environment.setdefault("WORKER_CONCURRENCY", "2")
    return environment


def _run(processes: Processes) -> None:
    environment = processes.environment
    port = _port(environment["PORT"])
    has_local_stripe = not {"STRIPE_API_KEY", "STRIPE_API_BASE"} & environment.keys()
    has_mailbox = "EMAIL_URL" not in environment
    web, stripe, mailbox = (f"http://127.0.0.1:{port + step}" for step in range(3))
    _refuse_if_taken(environment["HOST"], port)
    for step, is_wanted in ((1, has_local_stripe), (2, has_mailbox)):
        if is_wanted:
            _refuse_if_taken("127.0.0.1", port + step)
    if has_local_stripe:
        environment["STRIPE_API_BASE"] = stripe

    print("Starting Recover ...", flush=True)
    processes.output_of(
        sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"
    )  # the database alone: static files need no collecting here
    if has_mailbox:
        _start_mailbox(processes, port=port + 2, url=mailbox)
    login = _start_stripe(processes, port=port + 1, url=stripe) if has_local_stripe else None
    procfile = _procfile()
    for name in KEPT_RUNNING:
        processes.start(name, "sh", "-c", procfile[name])
    processes.wait_until(
        lambda: _answers(f"{web}/admin/login/"), name="web", seconds=ANSWERS_WITHIN
    )
    shown_mailbox = mailbox if has_mailbox else None
    if login:
        text = guide.full(web=web, stripe=stripe, mailbox=shown_mailbox, login=login)
    else:
        text = guide.with_your_stripe(web=web, mailbox=shown_mailbox)
    print(text, flush=True)
    processes.watch()


def _start_mailbox(processes: Processes, *, port: int, url: str) -> None:
    folder = Path(processes.environment["RUN_DIR"]) / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    processes.start(
        "the mailbox", sys.executable, "-m", "tests.local_mailbox",
        "--port", str(port), "--folder", str(folder),
    )  # fmt: skip
    _wait_for(processes, "the mailbox", url)


def _start_stripe(processes: Processes, *, port: int, url: str) -> merchant.Login:
    processes.start(
        "the local Stripe", sys.executable, "-m", "tests.local_stripe", "--port", str(port)
    )
    _wait_for(processes, "the local Stripe", url)
    return merchant.set_up(processes, kept_in=Path(processes.environment["RUN_DIR"]) / "demo.json")


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16 - 2:
        raise Failed(f"PORT is {text!r}. Write a whole number from 1 to 65533.")
    return int(text)


def _refuse_if_taken(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise Failed(
            f"Recover can't listen on port {port} ({reason}): stop the program that does, "
            "or choose another port with `PORT=9000 python3 dev.py run`."
        ) from error


def _procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))
    return {name.strip(): command.strip() for name, command in pairs}


def _wait_for(processes: Processes, name: str, url: str) -> None:
    processes.wait_until(lambda: _answers(url), name=name, seconds=ANSWERS_WITHIN)


def _answers(url: str) -> bool:
    without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with without_proxy.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # it says no, but it speaks
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
