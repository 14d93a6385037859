"""The other Pythons that are promised read the source, as far as they are on this machine.

Without their packages nothing of it can run there; what can be told is that each file compiles
without a warning and that the standard library still has what is taken from it.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("recover_project", "recovery", "billing_portal", "dunning", "tests")
READ = """
import ast, importlib, json, pathlib, sys, warnings
warnings.simplefilter("error", SyntaxWarning)
known, paths = json.load(sys.stdin)
for path in paths:
    source = pathlib.Path(path).read_text()
    compile(source, path, "exec")
    for node in ast.walk(ast.parse(source)):
        taken = []
        if isinstance(node, ast.Import):
            taken = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            taken = [(node.module, alias.name) for alias in node.names]
        for module, name in taken:
            if module.partition(".")[0] in known:
                found = importlib.import_module(module)
                if name and not hasattr(found, name):
                    importlib.import_module(module + "." + name)
"""


def promised() -> list[str]:
    """3.11, 3.12, 3.13: what `requires-python` of pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least, most = (part.partition("3.")[2] for part in project["requires-python"].split(","))
    return [f"3.{minor}" for minor in range(int(least), int(most))]


def interpreter(version: str) -> str | None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    on_path = shutil.which(f"python{version}")
    for program in [*map(str, pyenv.glob(f"{version}.*/bin/python")), on_path]:
        # pyenv puts a program on the path that only says that it isn't chosen
        if program and _says(program, "print('here')") == "here\n":
            return program
    return None


def _says(program: str, code: str) -> str:
    return subprocess.run(
        [program, "-c", code], check=False, capture_output=True, text=True
    ).stdout


def sources() -> list[str]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [str(path) for path in [ROOT / "dev.py", ROOT / "manage.py", *found]]


@pytest.mark.parametrize("version", promised())
def test_each_promised_python_reads_every_source(version: str) -> None:
    program = interpreter(version)
    if program is None:
        pytest.skip(f"Python {version} is not on this machine.")
    done = subprocess.run(
        [program, "-I", "-c", READ], check=False, capture_output=True, text=True,
        input=json.dumps([sorted(sys.stdlib_module_names), sources()]),
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_the_promise_is_what_the_readme_says() -> None:
    *others, last = promised()

    assert f"Python {', '.join(others)} or {last}" in (ROOT / "README.md").read_text()
