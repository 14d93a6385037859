#!/usr/bin/env python3
"""Everything a developer runs, on a machine that has just Python."""

import hashlib
import os
import pathlib
import subprocess
import sys
import sysconfig
from typing import NoReturn

ROOT = pathlib.Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
TOOLS = ROOT / ".tools"
UV = "uv==0.13.9"


def call(*command: str | pathlib.Path, **environment: str) -> None:
    """Run a command in the project's folder; end with its exit code if it fails."""
    env = {**os.environ, **environment}
    code = subprocess.run([str(part) for part in command], cwd=ROOT, env=env).returncode
    if code:
        sys.exit(code)


def set_up(requirements: str) -> None:
    """Make `.venv` hold exactly what the lock file names; do nothing where it already does."""
    wanted = _fingerprint(requirements)
    stamp = VENV / "made-from"
    # The development lock is the runtime lock and more, so it serves `run` too.
    enough = {wanted, _fingerprint("requirements-dev.txt")}
    if stamp.exists() and stamp.read_text() in enough:
        return
    print(f"Setting up {VENV.name} from {requirements} ...", flush=True)
    uv = _uv()
    call(*uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, VENV)
    python = BIN / "python"
    call(
        *uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, requirements,
        UV_SYSTEM_CERTS="1", UV_LINK_MODE="copy",
    )  # fmt: skip
    stamp.write_text(wanted)


def _fingerprint(requirements: str) -> str:
    content = (ROOT / requirements).read_bytes() + sys.version.encode()
    return hashlib.sha256(content).hexdigest()


def _uv() -> list[str | pathlib.Path]:
    """The pinned uv, installed beside the project: it makes environments where Debian's
    Python, which comes without `venv`, can't."""
    uv = TOOLS / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    if not uv.exists():
        if subprocess.run(
            [sys.executable, "-m", "pip", "--version"], capture_output=True
        ).returncode:
            sys.exit(
                "This Python has no pip. Install it first (Debian: apt-get install python3-pip)."
            )
        call(
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--root-user-action", "ignore", "--target", TOOLS, UV,
        )  # fmt: skip
    return [uv]


def run() -> None:
    """The whole product on this machine, with what it prints to try next; Ctrl-C stops it."""
    set_up("requirements.txt")
    _become("-m", "tests.demo")


def _become(*arguments: str) -> NoReturn:
    """Go on as the environment's Python, so that a signal reaches the program itself."""
    os.chdir(ROOT)
    python = str(BIN / "python")
    sys.stdout.flush()
    os.execv(python, [python, *arguments])


def test(*arguments: str) -> None:
    """The whole suite, on the embedded database and on PostgreSQL; takes pytest's arguments."""
    set_up("requirements-dev.txt")
    _become("-m", "tests.suite", *arguments)


def check() -> None:
    """What CI runs."""
    set_up("requirements-dev.txt")
    call(BIN / "ruff", "check")
    call(BIN / "ruff", "format", "--check")
    call(BIN / "mypy")
    call(BIN / "lint-imports")
    call(BIN / "djlint", "templates", "--lint", "--quiet")
    call(BIN / "python", "manage.py", "check")
    call(BIN / "python", "manage.py", "makemigrations", "--check", "--dry-run")
    # What the suite would say an hour later.
    call(BIN / "python", "-m", "pytest", "--quiet", "--no-header", "tests/test_architecture.py")
    test()


def bench(*names: str) -> None:
    """The benchmarks, all or those named, each against its yardstick; on PostgreSQL."""
    set_up("requirements-dev.txt")
    _become("-m", "benchmarks", *names)


def fuzz(*told: str) -> None:
    """Whatever comes in from outside, tried a hundred times as hard as by `test`, or as told."""
    set_up("requirements-dev.txt")
    _become("-m", "tests.fuzz", *told)


def chaos(*names: str) -> None:
    """The long proofs, all or those named: processes die, events come in any order."""
    set_up("requirements-dev.txt")
    _become("-m", "tests.chaos", *names)


def lock() -> None:
    """Both lock files, made anew from pyproject.toml."""
    compile_ = [*_uv(), "pip", "compile", "--quiet", "pyproject.toml", "--universal",
                "--generate-hashes", "--no-annotate", "--no-header", "--upgrade"]  # fmt: skip
    call(*compile_, "--output-file", "requirements.txt")
    call(*compile_, "--group", "dev", "--all-extras", "--constraint", "requirements.txt",
         "--output-file", "requirements-dev.txt")  # fmt: skip
    set_up("requirements-dev.txt")


COMMANDS = {
    "run": run, "test": test, "check": check, "bench": bench, "fuzz": fuzz, "chaos": chaos,
    "lock": lock,
}  # fmt: skip
TAKE_ARGUMENTS = (test, bench, fuzz, chaos)


def main() -> None:
    if not (3, 11) <= sys.version_info < (3, 14):
        sys.exit(f"Recover needs Python 3.11 to 3.13; this is {sysconfig.get_python_version()}.")
    name, *arguments = sys.argv[1:] or ["help"]
    command = COMMANDS.get(name)
    if command is None or (arguments and command not in TAKE_ARGUMENTS):
        if command:
            print(f"{name} takes no arguments, so not {' '.join(arguments)} either.\n")
        elif name != "help":
            print(f"There is no command {name}.\n")
        print(__doc__, "\n")
        for known, function in COMMANDS.items():
            print(f"  python3 dev.py {known:<6} {(function.__doc__ or '').strip()}")
        sys.exit(0 if name == "help" else 2)
    try:
        command(*arguments)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
