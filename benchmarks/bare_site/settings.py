"""No middleware, no apps; the product's database and its pool."""

import os

import environ

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.bare_site.urls"
USE_TZ = True
DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"])}
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 0, "max_size": 32, "timeout": 5,
}  # fmt: skip
