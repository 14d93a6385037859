"""A merchant, and the door that its events come in by."""

from typing import Any

import pytest

from recovery.models import Merchant
from tests.builders import make_merchant
from tests.recover_project.front_door import Web, an_event


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def web(merchant: Merchant, settings: Any) -> Web:
    """Where one event has been taken in already."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    web = Web()
    web.post(an_event(), merchant)
    assert web.asked_django == 1
    return web
