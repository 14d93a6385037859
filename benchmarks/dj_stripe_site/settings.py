"""dj-stripe with signatures verified, and a callback that does nothing with the event."""

import os
from urllib.parse import unquote, urlsplit

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.dj_stripe_site.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "djstripe"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # an answer has a length
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_at = urlsplit(os.environ["DATABASE_URL"])
_host = dict(one.split("=") for one in unquote(_at.query).split("&") if one).get("host")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _at.path[1:],
        "USER": _at.username,
        "PASSWORD": _at.password or "",
        "HOST": _host or _at.hostname,
        "PORT": _at.port or "",
        "OPTIONS": {"pool": {"min_size": 0, "max_size": 32, "timeout": 5}},
    }
}
STRIPE_TEST_SECRET_KEY = "sk_test_of_nobody"  # noqa: S105 - it is asked for, and never used
STRIPE_LIVE_MODE = False
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_WEBHOOK_EVENT_CALLBACK = "benchmarks.dj_stripe_site.callback.nothing"
