"""What docs/security.md and docs/licences.md name is there; settings of production are safe."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.cache import caches
from django.test import override_settings

from recover_project.celery import app

ROOT = Path(__file__).resolve().parent.parent
SECURITY = (ROOT / "docs" / "security.md").read_text()
LICENCES = (ROOT / "docs" / "licences.md").read_text()
SHOW = (
    "import json; from recover_project import settings as s; print(json.dumps({name: value"
    " for name, value in vars(s).items() if 'COOKIE' in name or 'HSTS' in name}))"
)


def in_production(*command: str, **settings: str) -> str:
    """What it prints."""
    environment = {
        "PATH": os.environ["PATH"], "DEBUG": "off", "SECRET_KEY": "a1B2c3D4e5" * 6,
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": "https://pay.example.com", "EMAIL_URL": "smtp://127.0.0.1:1",
        "DATABASE_URL": "postgres://recover@127.0.0.1/recover",
        "REDIS_URL": "redis://127.0.0.1:6379/0", "TRUSTED_PROXY_COUNT": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment | settings, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", SECURITY))
    there = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))

    assert named - there == set()
    assert len(named) > 50


def test_every_setting_and_document_that_is_named_is_there() -> None:
    for name in re.findall(r"`([A-Z][A-Z_]{5,})`", SECURITY):
        assert hasattr(settings, name)
    for path in re.findall(r"\]\(([\w-]+\.md)", SECURITY):
        assert (ROOT / "docs" / path).exists()


def test_production_has_no_complaint_of_djangos() -> None:
    in_production("manage.py", "check", "--deploy", "--fail-level", "WARNING")


def test_production_that_sends_no_mail_is_told_so_before_it_starts() -> None:
    without = {"EMAIL_URL": ""}

    assert "mails are written to files" in in_production("manage.py", "check", **without)
    assert "mails" not in in_production("manage.py", "check")


def test_cookies_are_the_hosts_alone() -> None:
    shown: dict[str, Any] = json.loads(in_production("-c", SHOW))

    for kind in ("SESSION", "CSRF"):
        assert shown[f"{kind}_COOKIE_NAME"].startswith("__Host-")
        assert shown[f"{kind}_COOKIE_SECURE"] is True
    assert shown["SESSION_COOKIE_HTTPONLY"] is True
    assert shown["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert (settings.SESSION_COOKIE_SAMESITE, settings.CSRF_COOKIE_SAMESITE) == ("Lax", "Lax")


def test_nothing_is_pickled(redis_url: str) -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert settings.SESSION_SERIALIZER.endswith(".JSONSerializer")
    counted = {"BACKEND": "recovery.limits.store.CountingCache", "LOCATION": redis_url}
    with override_settings(CACHES={"default": counted}):
        cache = caches["default"]
        for value in (7, 0, "y", [1.5, "a"], {"a": None}, True):
            cache.set("tests:kept", value)
            assert cache.get("tests:kept") == value
            assert type(cache.get("tests:kept")) is type(value)
        stored: Any = redis.Redis.from_url(redis_url).get(cache.make_key("tests:kept"))
        assert json.loads(stored) is True
        cache.set("tests:counted", 1)
        assert cache.incr("tests:counted") == 2
        cache.delete_many(["tests:kept", "tests:counted"])


def test_what_a_stranger_put_into_redis_is_not_run() -> None:
    from recovery.limits.store import Json

    with pytest.raises(ValueError, match="Expecting value"):
        Json().loads(b"cos\nsystem\n(S'true'\ntR.")


def test_every_dependency_is_listed_with_its_licence() -> None:
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    listed = dict(re.findall(r"^\| ([\w.-]+) \| ([^|]+) \|$", LICENCES, re.MULTILINE))

    assert set(listed) - {"Package", "---"} == set(locked)
    for name in locked:
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another Python or system
        if "License-Expression" in about:
            assert listed[name].strip() == about["License-Expression"]
