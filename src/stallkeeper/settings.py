"""Django settings. Everything that differs between installations comes from :mod:`stallkeeper.env`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from stallkeeper import env

ENV = env.load()
ROOT = Path(__file__).parent

SECRET_KEY = ENV.secret_key
DEBUG = ENV.debug
ALLOWED_HOSTS = list(ENV.allowed_hosts)
ROOT_URLCONF = "stallkeeper.urls"
WSGI_APPLICATION = "stallkeeper.wsgi.application"
AUTH_USER_MODEL = "core.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "procrastinate.contrib.django",
    "axes",
    "stallkeeper.core",
    "stallkeeper.catalog",
    "stallkeeper.stock",
    "stallkeeper.channels",
    "stallkeeper.orders",
    "stallkeeper.fulfilment",
    "stallkeeper.sync",
    "stallkeeper.backoffice",
    "stallkeeper.ops",
]

MIDDLEWARE = [
    "stallkeeper.core.proxies.ProxyMiddleware",
    "stallkeeper.api.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "stallkeeper.api.problems.ProblemMiddleware",
    "stallkeeper.backoffice.scope.OrganisationMiddleware",
    "stallkeeper.backoffice.scope.PrivateMiddleware",
    "stallkeeper.backoffice.scope.FormsOnlyMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "backoffice" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = ENV.databases
"""Without a database URL the entry point starts the embedded PostgreSQL first and sets one."""

PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "stallkeeper.core.sign_in_limits.Handler"
AXES_CLIENT_IP_CALLABLE = "stallkeeper.core.sign_in_limits.client_address"
AXES_USERNAME_CALLABLE = "stallkeeper.core.sign_in_limits.account_name"
AXES_LOCKOUT_CALLABLE = "stallkeeper.backoffice.sign_in.locked"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

HTTPS = ENV.base_url.startswith("https:")
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Browsers take a cookie of this name only from the very host, encrypted, for all of its paths: no sister host can plant one.
SESSION_COOKIE_NAME = "__Host-stallkeeper" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-stallkeeper-csrf" if HTTPS else "csrftoken"
# A proxy that ends TLS speaks plain HTTP to us, but the browser's Origin says https.
CSRF_TRUSTED_ORIGINS = [ENV.origin] if HTTPS else []
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
# Each by its own name: whoever looks for it reads that language. A language stands here as soon as its catalogue has no gaps.
LANGUAGES = [("en", "English"), ("sv", "Svenska"), ("it", "Italiano"), ("ru", "Русский"), ("ro", "Română"), ("pl", "Polski")]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = ENV.time_zone

STATIC_URL = "static/"
STATIC_ROOT = ENV.home / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        # No page holds a script, so no nonce is needed. unfold's Alpine evaluates expressions of its own templates, and sets inline styles.
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

PROCRASTINATE_ON_APP_READY = "stallkeeper.sync.tasks.on_app_ready"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "stallkeeper.core.logs.Formatter", "form": ENV.log_format}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}, "nobody": {"class": "logging.NullHandler"}},
    "root": {"handlers": ["stderr"], "level": ENV.log_level},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        # Both write the addresses that they call, which are secrets (ADR 0070); what went wrong is said by whoever calls them.
        "apprise": {"level": "WARNING", "handlers": ["nobody"], "propagate": False},
        "urllib3": {"level": "WARNING"},
    },
}


def _own(name: str) -> Callable[[HttpRequest], str]:
    """The address of a file of the back office, as the theme asks for it."""
    return lambda _request: static(f"backoffice/{name}")


UNFOLD = {
    "SITE_TITLE": "Stallkeeper",
    "SITE_HEADER": "Stallkeeper",
    "SITE_SUBHEADER": "stallkeeper.backoffice.navigation.organisation_name",
    "SITE_ICON": "stallkeeper.backoffice.navigation.icon",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "stallkeeper.backoffice.navigation.icon"}],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "GLOBAL_CALLBACK": "stallkeeper.backoffice.navigation.frame",
    "STYLES": [
        _own("backoffice.css"),
        _own("frame.css"),
        _own("palette.css"),
        _own("settings.css"),
        _own("today.css"),
        _own("listings.css"),
        _own("problems.css"),
        _own("start.css"),
        _own("orders.css"),
        _own("channels.css"),
        _own("bell.css"),
    ],
    "SCRIPTS": [
        _own("backoffice.js"),
        _own("frame.js"),
        _own("today.js"),
        _own("palette.js"),
        _own("keys.js"),
        _own("start.js"),
        _own("orders.js"),
        _own("bell.js"),
        _own("choosing.js"),
    ],
    "COMMAND": {"search_models": False, "search_callback": None},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": []},
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.72)",
            "100": "oklch(95.3% .051 180.801)",
            "200": "oklch(91% .096 180.426)",
            "300": "oklch(85.5% .138 181.071)",
            "400": "oklch(77.7% .152 181.912)",
            "500": "oklch(70.4% .14 182.503)",
            "600": "oklch(51.1% .096 186.391)",
            "700": "oklch(43.7% .078 188.216)",
            "800": "oklch(38.6% .063 188.416)",
            "900": "oklch(33% .056 190)",
            "950": "oklch(27.7% .046 192.524)",
        },
    },
}
"""The look of the back office: teal, white on 600 has a contrast of 5.4."""
