"""Settings, all from the environment; unset, the embedded defaults (docs/configuration.md)."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.templatetags.static import static
from redis.backoff import NoBackoff
from redis.retry import Retry

from recover_project import mail_providers
from recover_project.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
environment = Environment.of_this_process(BASE_DIR)
RUN_DIR = environment.run_dir

# --- Where we are -----------------------------------------------------------------------------
DEBUG = environment.boolean("DEBUG", default=True)
PUBLIC_URL = environment.base_url(
    "PUBLIC_URL", f"http://127.0.0.1:{environment.whole_number('PORT', default=8000)}"
)
ALLOWED_HOSTS = environment.hosts("ALLOWED_HOSTS", public_url=PUBLIC_URL, embedded=DEBUG)

# --- Secrets ----------------------------------------------------------------------------------
SECRET_KEY = environment.secret("SECRET_KEY", embedded=DEBUG)
FIELD_ENCRYPTION_KEYS = environment.encryption_keys("FIELD_ENCRYPTION_KEYS", embedded=DEBUG)

METRICS_TOKEN = environment.optional_secret("METRICS_TOKEN")  # who may read /metrics

# --- Stripe -----------------------------------------------------------------------------------
STRIPE_API_KEY = environment.text("STRIPE_API_KEY")  # the platform's own, for Connect
STRIPE_API_BASE = environment.base_url("STRIPE_API_BASE")
STRIPE_CONNECT_CLIENT_ID = environment.text("STRIPE_CONNECT_CLIENT_ID")  # ca_…, for OAuth
# What stands in for Stripe stands in for its Connect as well, unless that is said to be elsewhere.
STRIPE_CONNECT_BASE = environment.base_url("STRIPE_CONNECT_BASE", STRIPE_API_BASE)
STRIPE_CONNECT_WEBHOOK_SECRET = environment.text("STRIPE_CONNECT_WEBHOOK_SECRET")

# --- Merchants' own endpoints ------------------------------------------------------------------
# Webhooks go to the public internet; to this machine too only where a developer tries them out.
WEBHOOKS_TO_LOOPBACK = environment.switch_for_trying_out("WEBHOOKS_TO_LOOPBACK", embedded=DEBUG)

# --- Database, cache, broker ------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": environ.Env.db_url_config(
        environment.text("DATABASE_URL", f"sqlite:///{RUN_DIR / 'recover.sqlite3'}")
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # Writers queue at BEGIN instead of failing half-way; readers never wait for them.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA cache_size=-32000; PRAGMA mmap_size=134217728;",
    }
    # Tests use a file too: a database in memory has other locks than the product's.
    DATABASES["default"]["TEST"] = {"NAME": str(RUN_DIR / "test.sqlite3")}
else:
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 0,
        "max_size": environment.whole_number("DATABASE_POOL_SIZE", default=32),
        "timeout": 5,
        # By default a pool that finds no database tries it less and less often, until minutes go
        # by; one that has given up tries anew as soon as somebody wants a connection. It gives up
        # before those that wait do (`timeout`): who asks next would wait for the end of a try.
        "reconnect_timeout": 4,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = environment.text("REDIS_URL")
_SHARED: dict[str, Any] = {
    "LOCATION": REDIS_URL,
    "KEY_PREFIX": "recover",
    # One more try, for a connection that Redis closed; a customer waits for the answer.
    "OPTIONS": {
        "socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 1),
    },
}  # fmt: skip
_ONE_PROCESS: dict[str, Any] = {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "OPTIONS": {"MAX_ENTRIES": 10_000},
}
# Allauth counts guesses in the default one.
_BACKENDS = {"default": "GuessesCache", "limits": "CountingCache"}
CACHES: dict[str, dict[str, Any]] = {
    name: {"BACKEND": f"recovery.limits.store.{backend}", **_SHARED} if REDIS_URL else _ONE_PROCESS
    for name, backend in _BACKENDS.items()
}
RATELIMIT_USE_CACHE = "limits"

# --- Mail -------------------------------------------------------------------------------------
EMAIL_PROVIDER, ANYMAIL = mail_providers.read(environment)
_mail = environ.Env.email_url_config(environment.text("EMAIL_URL", f"filemail:///{RUN_DIR}/mail"))
EMAIL_BACKEND = (
    f"anymail.backends.{EMAIL_PROVIDER}.EmailBackend" if EMAIL_PROVIDER else _mail["EMAIL_BACKEND"]
)
EMAIL_FILE_PATH = "/" + _mail["EMAIL_FILE_PATH"].lstrip("/")
EMAIL_HOST = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = bool(_mail.get("EMAIL_USE_TLS"))
EMAIL_USE_SSL = bool(_mail.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 10
MAIL_CONNECTIONS = environment.whole_number("MAIL_CONNECTIONS", default=4, least=1)
DEFAULT_FROM_EMAIL = environment.text(
    "DEFAULT_FROM_EMAIL", f"billing@{urlsplit(PUBLIC_URL).hostname or 'localhost'}"
)

# --- Django -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "recover_project.back_office.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",  # allauth's pages use it
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "anymail",
    "auditlog",
    "csp",
    "django_ratelimit",
    "hijack",
    "recovery",
    "billing_portal",
    "dunning",
    "recover_project.back_office",
]
MIDDLEWARE = [
    "recover_project.middleware.name_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "recover_project.limits.say_usage",
    "recover_project.middleware.compress_pages",
    # Outside of what makes error pages, so that those are safe too.
    "recover_project.middleware.ContentSecurityPolicy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "recover_project.middleware.nothing_is_kept",
    "recover_project.middleware.errors_in_one_shape",
    # Ahead of what reads the Host: a probe calls a process by its address.
    "recover_project.probes.views.answer_probes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "hijack.middleware.HijackUserMiddleware",
    "recover_project.back_office.people.recording.WhoChanges",
    "recover_project.back_office.people.second_factor.second_factor_first",
    "recover_project.back_office.access.in_the_merchants_time",
    # Below what makes a page safe, above what reads a body.
    "recover_project.limits.limit_public_routes",
    "recover_project.middleware.refuse_nul",
]
ROOT_URLCONF = "recover_project.urls"
WSGI_APPLICATION = "recover_project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # one of Stripe's events, at most; no form is longer
APPEND_SLASH = False  # Stripe takes a redirect for a failure
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "recover_project.formats"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# --- People and clients -----------------------------------------------------------------------
AUTH_USER_MODEL = "recovery.User"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "recover_project.back_office.people.adapters.Accounts"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Recover: "
# Requests of an address are counted by us (recovery/limits); allauth's own, less generous, would
# say so in another way. Its count of wrong passwords and of mails for new ones stays.
ACCOUNT_RATE_LIMITS = {"login": None, "reset_password": "5/m/key", "reset_password_from_key": None}
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a new password or second factor
MFA_ADAPTER = "recover_project.back_office.people.adapters.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Recover"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are set by whoever asks people in
SESSION_COOKIE_AGE = 12 * 3600  # a working day: ASVS 4.0.3, 3.3.2
HIJACK_PERMISSION_CHECK = "recover_project.back_office.people.looking_on.may"
HIJACK_INSERT_BEFORE = None  # the frame of every page says it (templates/admin)
AUDITLOG_DISABLE_REMOTE_ADDR = False
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),  # ASVS 4.0.3, 2.1.1
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["recovery.api.bodies.FlatEnoughJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "recovery.api.bodies.AlwaysTheFirst",
    "EXCEPTION_HANDLER": "recovery.errors.as_response",
    "DEFAULT_SCHEMA_CLASS": "recovery.api.description.operations.Described",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "Recover",
    "VERSION": "1",
    "COMPONENT_SPLIT_PATCH": False,  # what a PATCH takes says itself that nothing is required
    "SORT_OPERATIONS": False,  # as in recovery/urls.py
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # the values speak for themselves
    "POSTPROCESSING_HOOKS": ["recovery.api.description.document.complete"],
}

# --- The back office ---------------------------------------------------------------------------
# Of the customers' page and the documents, in the steps that the theme asks for.
BACK_OFFICE_BLUES = {
    "50": "#eef4ff", "100": "#dbe6ff", "200": "#bfd3ff", "300": "#93b4ff", "400": "#7aa5ff",
    "500": "#3b78ff", "600": "#1f5eff", "700": "#1547d6", "800": "#163cab", "900": "#183787",
    "950": "#122252",
}  # fmt: skip
UNFOLD = {
    "SITE_TITLE": "Recover",
    "SITE_HEADER": "Recover",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("favicon.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda _: static("back_office/back_office.css")],
    "COLORS": {"primary": BACK_OFFICE_BLUES},
    "ACCOUNT": {"navigation": "recover_project.back_office.navigation.own_account"},
    "SIDEBAR": {"navigation": "recover_project.back_office.navigation.sidebar"},
}

# --- Safety -----------------------------------------------------------------------------------
_secure = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = False  # the proxy's job: a redirected webhook is a failed one
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = True
if _secure:  # no other host of the domain can set it (RFC 6265bis)
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXY_COUNT = environment.whole_number("TRUSTED_PROXY_COUNT", default=0)
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = [
    "security.W005", "security.W008", "security.W021",
    "django_ratelimit.W001",  # it has not heard of Django's own Redis cache
    # Memory is shared by nobody: without Redis there is one web process (Procfile).
    *([] if REDIS_URL else ["django_ratelimit.E003"]),
]  # fmt: skip
# The back office's theme evaluates expressions in its markup (Alpine) and styles elements.
BACK_OFFICE_POLICY = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # Chromium holds a form's redirects to this as well: the portal may have a domain of its
        # own, so every https page is allowed.
        "form-action": [SELF, "https:", *sorted({STRIPE_API_BASE, STRIPE_CONNECT_BASE} - {""})],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

DEFAULT_EXCEPTION_REPORTER = "recover_project.exception_reports.Redacted"

# --- Who is told of errors and traces ----------------------------------------------------------
SENTRY_DSN = environment.text("SENTRY_DSN")
OTEL_EXPORTER_OTLP_ENDPOINT = environment.base_url("OTEL_EXPORTER_OTLP_ENDPOINT")

# --- Logs -------------------------------------------------------------------------------------
LOG_LEVEL = environment.one_of("LOG_LEVEL", "info", "warning").upper()
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "redact": {"()": "recover_project.logs.Redact"},
        "no_traceback": {"()": "recover_project.logs.NoTraceback"},
    },
    "formatters": {
        "text": {"()": "recover_project.logs.Line"},
        "json": {"()": "recover_project.logs.Json"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["redact"],
            "formatter": environment.one_of("LOG_FORMAT", "text", "json"),
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "recovery": {"level": LOG_LEVEL},
        "billing_portal": {"level": LOG_LEVEL},
        "dunning": {"level": LOG_LEVEL},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.security.DisallowedHost": {"filters": ["no_traceback"]},
        # `manage.py runserver` logs whole addresses, by a handler of its own if it may.
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
    },
}
