"""Settings. Everything that differs between machines comes from the environment; the defaults run on one."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from readerstudy import keyring
from readerstudy.archive.places import storages_at
from readerstudy.jobs.order import QUEUES
from readerstudy.serving.addresses import address, secret
from readerstudy.serving.loopback import reachable_from_elsewhere

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("READERSTUDY_VAR", BASE_DIR / "var")).resolve()

os.umask(0o077)  # what the site writes its own account alone reads: database, logs, files


def flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, str(int(default))).lower() in {"1", "true", "yes", "on"}


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, comma-separated."""
    try:
        return [ip_network(one.strip()) for one in os.environ.get(name, "").split(",") if one.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. Write addresses like 10.0.0.5 or 10.0.0.0/24.") from error


def session_keys() -> list[str]:
    """What signs sessions, and what did before: by the file of keys, which a new site makes. A site from before that
    file has one secret, in the environment or beside the data, until its keys are turned."""
    if rings := keyring.read(KEYS_FILE):
        return rings["sessions"]
    path = VAR_DIR / "secret_key"
    given = secret(os.environ, "READERSTUDY_SECRET_KEY") or (path.read_text() if path.exists() else "")
    before = [key for key in os.environ.get("READERSTUDY_SECRET_KEY_FALLBACKS", "").split(",") if key]
    return [given, *before] if given else keyring.write(KEYS_FILE, keyring.new_rings(), over=False)["sessions"]


KEYS_FILE = Path(os.environ.get("READERSTUDY_KEYS") or VAR_DIR / "keys.json").resolve()
SECRET_KEY, *SECRET_KEY_FALLBACKS = session_keys()
DEBUG = flag("READERSTUDY_DEBUG")
# Everybody knows the passwords of the demonstration: it runs only where no other machine reaches it.
DEMO_REFUSED = reachable_from_elsewhere(os.environ) if flag("READERSTUDY_DEMO") else []
DEMO = flag("READERSTUDY_DEMO") and not DEMO_REFUSED
HTTPS = flag("READERSTUDY_HTTPS")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if origin]

INSTALLED_APPS = [
    "readerstudy.accounts",  # before what it changes: commands and templates of the first one named hold
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "readerstudy.audit",
    "readerstudy.protocol",
    "readerstudy.jobs",
    "readerstudy.archive",
    "readerstudy.material",
    "readerstudy.intake",
    "readerstudy.reading",
    "readerstudy.viewing",
    "readerstudy.enhancement",
    "readerstudy.images",
    "readerstudy.results",
    "readerstudy.access",
    "readerstudy.home",
    "readerstudy.api",
    "readerstudy.dicomweb",
]
MIDDLEWARE = [
    "readerstudy.serving.requests.RequestMiddleware",
    "readerstudy.serving.turns.TurnsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "readerstudy.serving.outage.OutageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "readerstudy.accounts.middleware.EntranceMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "readerstudy.accounts.gate_middleware.GateMiddleware",
    "readerstudy.audit.middleware.RecordMiddleware",
    "readerstudy.access.middleware.AccessMiddleware",
]
ROOT_URLCONF = "readerstudy.urls"
WSGI_APPLICATION = "readerstudy.wsgi.application"
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
                "readerstudy.accounts.context.site",
            ]
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        address(os.environ, "DATABASE_URL", "DATABASE_PASSWORD") or f"sqlite:///{VAR_DIR / 'db.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # WAL lets readers go on while one writes; immediate transactions queue writers instead of failing them.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # FULL: an answer is on the disk before the reader is told that it is kept. Workers take NORMAL.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    # A line that is cut is noticed within half a minute.
    LINE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}
    # A database that is away must not hold every thread for minutes.
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 5} | LINE | DATABASES["default"].get("OPTIONS", {})
# Who makes tables on PostgreSQL, if that is not the role of DATABASE_URL: see readerstudy/audit/roles.py.
OWNER_URL = address(os.environ, "DATABASE_OWNER_URL", "DATABASE_OWNER_PASSWORD")
DATABASE_OWNER = dj_database_url.parse(OWNER_URL) if OWNER_URL else None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["readerstudy.accounts.backends.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Proxies whose X-Forwarded-For says where a visitor comes from.
TRUSTED_PROXIES = networks("READERSTUDY_TRUSTED_PROXIES")
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# Sign-in is django-allauth's, as far as readerstudy/accounts/urls.py names its pages. Nobody signs up by themselves.
ACCOUNT_ADAPTER = "readerstudy.accounts.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": "5/300s/key"}  # codes; accounts/throttle.py counts passwords
MFA_ADAPTER = "readerstudy.accounts.adapters.SecondFactor"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Reader study"
MFA_TOTP_TOLERANCE = 1  # steps of 30 s by which a telephone's clock may be off
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Sign-in by OpenID Connect, if READERSTUDY_OIDC_URL names a provider. Groups: GROUP=ROLE,…; a role of the site or none.
OIDC_URL = os.environ.get("READERSTUDY_OIDC_URL", "")
OIDC_NAME = os.environ.get("READERSTUDY_OIDC_NAME", "your clinic")
OIDC_GROUPS = {
    group.strip(): role.strip()
    for group, _, role in (part.partition("=") for part in os.environ.get("READERSTUDY_OIDC_GROUPS", "").split(","))
    if group.strip()
}
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sign-in",
                "name": OIDC_NAME,
                "client_id": os.environ.get("READERSTUDY_OIDC_CLIENT", ""),
                "secret": os.environ.get("READERSTUDY_OIDC_SECRET", ""),
                "settings": {"server_url": OIDC_URL},
            }
        ],
    }
}
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form would be stopped on its way there by `form-action`
SOCIALACCOUNT_ADAPTER = "readerstudy.accounts.adapters.OtherSignIn"
# Roles that need a second factor: admin, reader, analyst; "site" for who has a role of the whole site.
SECOND_FACTOR_FOR = [role for role in os.environ.get("READERSTUDY_SECOND_FACTOR", "").split(",") if role]
IDLE_SECONDS = round(60 * float(os.environ.get("READERSTUDY_IDLE_MINUTES", 15)))  # until a session is locked; 0: never
# Codes that were used, and counts of wrong ones: every web process sees them.
CACHES: dict[str, dict] = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR_DIR / "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},  # fewer, and who asks for many links makes it forget the counts
    }
}
# Without a server letters lie in a folder that the site's own account alone reads: whoever operates hands them on.
EMAIL_BACKEND = "readerstudy.accounts.mail.Backend"
EMAIL_URL = os.environ.get("READERSTUDY_EMAIL_URL", "")
EMAIL_FOLDER = VAR_DIR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("READERSTUDY_EMAIL_FROM", "Reader study <noreply@localhost>")

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("READERSTUDY_STATIC") or VAR_DIR / "static")
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns at every start without it
STATICFILES_DIRS = [BASE_DIR / "static"]
# Where archive, quarantine and what analyses made lie: READERSTUDY_VAR, another folder, or s3://BUCKET/PREFIX.
STORAGE = os.environ.get("READERSTUDY_STORAGE", "")
STORE_DIR = Path(STORAGE).resolve() if STORAGE and "://" not in STORAGE else None
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "media"},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    **storages_at(STORAGE, STORE_DIR or VAR_DIR),
}
NEAR_BYTES = round(float(os.environ.get("READERSTUDY_NEAR_GB", 20)) * 1e9)  # copies of an archive that is elsewhere
PICTURES_A_SECOND = int(os.environ.get("READERSTUDY_PICTURES_A_SECOND", 100))  # requests of one person to DICOMweb
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
QUARANTINE_DIR = (STORE_DIR or VAR_DIR) / "quarantine"
# The head of every log is written here too, out of the database's reach; and to syslog, if an address is named:
# host:port, or a socket like /dev/log.
HEADS_DIR = Path(os.environ.get("READERSTUDY_HEADS") or VAR_DIR / "heads").resolve()
HEADS_SYSLOG = os.environ.get("READERSTUDY_HEADS_SYSLOG", "")
# Names and addresses of who signs in, or tries to: one file a day, kept for so many days.
SECURITY_LOG_DIR = Path(os.environ.get("READERSTUDY_SECURITY_LOG") or VAR_DIR / "security").resolve()
SECURITY_LOG_DAYS = int(os.environ.get("READERSTUDY_SECURITY_LOG_DAYS", 365))
ACCESS_LOG_SECONDS = 5.0  # how long what people saw is collected before it is written
# Uploads go straight into the quarantine, never into a public temporary folder.
FILE_UPLOAD_HANDLERS = ["readerstudy.intake.upload_handler.QuarantineUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 20_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # a full page of series to confirm sends eight of each
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# Folders of models of one's own, beside the shipped ones; web and workers must see the same.
MODELS_DIR = Path(os.environ["READERSTUDY_MODELS"]).resolve() if os.environ.get("READERSTUDY_MODELS") else None

REDIS_URL = address(os.environ, "REDIS_URL", "REDIS_PASSWORD") or f"redis+socket://{VAR_DIR / 'redis.sock'}"
if "quarantine" in STORAGES:  # machines without a common disk
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"serializer": "readerstudy.serving.plain_values.PlainValues"},
    }
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
# A worker takes jobs of these queues; the first two things that it looks at are how urgent a job is, and their order.
WORKER_QUEUES = [one for one in os.environ.get("READERSTUDY_WORKER_QUEUES", ",".join(QUEUES)).split(",") if one]
if not WORKER_QUEUES or not set(WORKER_QUEUES) <= set(QUEUES):
    raise ImproperlyConfigured(f"READERSTUDY_WORKER_QUEUES names some of {', '.join(QUEUES)}, comma-separated.")
CELERY_TASK_QUEUES = [Queue(name) for name in WORKER_QUEUES]
CELERY_TASK_DEFAULT_QUEUE = WORKER_QUEUES[0]
CELERY_TASK_SERIALIZER = CELERY_EVENT_SERIALIZER = CELERY_RESULT_SERIALIZER = "signed-json"
CELERY_ACCEPT_CONTENT = ["signed-json"]
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 30,
    "socket_keepalive": True,
    "queue_order_strategy": "priority",
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.5}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
JOB_HEARTBEAT_SECONDS = 5
JOB_STALE_SECONDS = float(os.environ.get("READERSTUDY_JOB_STALE_SECONDS", 30))
DEVICE = os.environ.get("READERSTUDY_DEVICE", "cpu")  # where networks compute: cpu or cuda
WORKER_SLOTS = int(os.environ.get("READERSTUDY_WORKER_SLOTS", 1))
CELERY_WORKER_CONCURRENCY = WORKER_SLOTS

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "readerstudy.accounts.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz(/live)?$"]  # asked from beside the server, where there is no TLS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["readerstudy.accounts.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["readerstudy.serving.json_parser.BoundedJSONParser"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Reader study",
    "DESCRIPTION": "What admins and analysts do on the pages, for programs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "PREPROCESSING_HOOKS": ["readerstudy.api.schema.of_the_interface"],
    "POSTPROCESSING_HOOKS": ["readerstudy.api.schema.with_problems"],
}


def syslog_handler(address: str) -> dict:
    host, _, port = address.rpartition(":")
    to = (host, int(port)) if host and port.isdigit() else address
    return {"class": "logging.handlers.SysLogHandler", "address": to, "formatter": "program"}


ACCESS_LOG = flag("READERSTUDY_ACCESS_LOG")
# Who may read /metrics: clients at these addresses, or who sends `Authorization: Bearer` with this token.
METRICS_FROM = networks("READERSTUDY_METRICS_FROM")
METRICS_TOKEN = os.environ.get("READERSTUDY_METRICS_TOKEN", "")
# Who is told by mail that something is the matter: these, else the operators whose accounts have an address.
ALERTS_TO = [one.strip() for one in os.environ.get("READERSTUDY_ALERTS_TO", "").split(",") if one.strip()]
BACKUP_DAYS = float(os.environ.get("READERSTUDY_BACKUP_DAYS", 3))  # how old the last backup may be

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": f"readerstudy.serving.logs.{'JSON' if flag('READERSTUDY_LOG_JSON') else 'Line'}Formatter"},
        "program": {"format": "{name}: {message}", "style": "{"},
        "security": {"()": "readerstudy.accounts.security_log.SecurityFormatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "security": {"class": "readerstudy.accounts.security_log.SecurityHandler", "formatter": "security"},
    }
    | ({"syslog": syslog_handler(HEADS_SYSLOG)} if HEADS_SYSLOG else {}),
    "loggers": {
        "readerstudy.security": {"level": "INFO", "handlers": ["security"], "propagate": False},
        "django.security": {"handlers": ["security"]},
        "readerstudy.heads": {"level": "INFO", "handlers": ["syslog"] if HEADS_SYSLOG else [], "propagate": False},
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("READERSTUDY_LOG_LEVEL", "INFO")},
}
