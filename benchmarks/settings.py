"""The product's settings, and the yardsticks beside its addresses."""

from recover_project.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "benchmarks.urls"
TRUSTED_PROXY_COUNT = 1  # the load says for each request whose it is: one client has a limit
