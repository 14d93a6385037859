"""The product's settings, for processes that are to die at a boundary or whose clock is wrong."""

from benchmarks.settings import *  # noqa: F403 - all of them
from benchmarks.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.apps.Chaos"]
