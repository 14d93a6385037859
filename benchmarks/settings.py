"""The product's settings, and the yardsticks beside its addresses."""

from recover_project.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "benchmarks.urls"
