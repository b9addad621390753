"""What Airflow needs to know of this provider: pure data that imports nothing, read by every command."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, whose import alone takes milliseconds
if TYPE_CHECKING:
    from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-inforu",
        "name": "Inforu",
        "description": "Phone people through the voice functions of the Inforu API: each of them once.",
        "integrations": [
            {
                "integration-name": "Inforu Voice",
                "external-doc-url": "https://www.inforu.co.il/",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {"integration-name": "Inforu Voice", "python-modules": ["airflow_provider_inforu.hooks.inforu"]}
        ],
        "operators": [
            {
                "integration-name": "Inforu Voice",
                "python-modules": ["airflow_provider_inforu.operators.voice"],
            }
        ],
        "sensors": [
            {"integration-name": "Inforu Voice", "python-modules": ["airflow_provider_inforu.sensors.voice"]}
        ],
        "triggers": [
            {
                "integration-name": "Inforu Voice",
                "python-modules": [
                    "airflow_provider_inforu.triggers.voice",
                    "airflow_provider_inforu.triggers.events",
                ],
            }
        ],
        "transfers": [
            {
                "source-integration-name": "Common SQL",
                "target-integration-name": "Inforu Voice",
                "python-module": "airflow_provider_inforu.transfers.sql_to_voice",
            }
        ],
        "task-decorators": [
            {
                "name": "inforu_text_to_speech",
                "class-name": "airflow_provider_inforu.decorators.voice.text_to_speech_task",
            }
        ],
        "notifications": ["airflow_provider_inforu.notifications.voice.InforuVoiceNotifier"],
        "extra-links": [
            "airflow_provider_inforu.links.InforuCallsLink",
            "airflow_provider_inforu.links.InforuDagCallsLink",
        ],
        "cli": ["airflow_provider_inforu.cli.definition.get_inforu_cli_commands"],
        "config": {
            "inforu": {
                "description": "Options of airflow-provider-inforu.",
                "options": {
                    "ledger_path": {
                        "description": "Where sends keep their ledger, and alerts their cool-downs: any URL "
                        "that fsspec knows, or a path. All workers must share it. Empty: ledgers in "
                        "Airflow's task state, which needs Airflow 3.3 or later; cool-downs on each machine "
                        "alone.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://aws_default@bucket/inforu-ledgers",
                        "default": "",
                    },
                    "require_ledger": {
                        "description": "Refuse each later try of a task whose earlier tries left no ledger. "
                        "By default such a try sends, because the earlier one ended before its first "
                        "request. Turn it on where a lost ledger is more likely than a try that never began.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "False",
                    },
                    "rate_limit_redis_url": {
                        "description": "A Redis server through which all sends of an account, on any worker, "
                        "keep the connection's requests_per_second together, and alerts their cool-downs. "
                        "Empty: each keeps them alone.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "sensitive": True,
                        "example": "redis://redis.example:6379/0",
                        "default": "",
                    },
                    "ui_enabled": {
                        "description": "Whether the API server shows the page of calls at /inforu-calls and "
                        "in the menu Browse. It needs Airflow 3.1.1 or later.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "True",
                    },
                    **RECEIVER_OPTIONS,
                },
            },
        },
        "connection-types": [
            {
                "connection-type": "inforu",
                "hook-name": "Inforu",
                "hook-class-name": "airflow_provider_inforu.hooks.inforu.InforuHook",
                "ui-field-behaviour": FIELD_BEHAVIOUR,
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
    }


RECEIVER_OPTIONS: dict[str, dict[str, Any]] = {
    "receiver_enabled": {
        "description": "Whether the API server receives notifications from Inforu, below /inforu. Its tables "
        "must be there: see receiver_database.",
        "version_added": "0.1.0",
        "type": "boolean",
        "example": "True",
        "default": "False",
    },
    "receiver_database": {
        "description": "Where notifications are stored: a SQLAlchemy URL with a synchronous driver; the "
        "tables are made there by themselves. Empty: in Airflow's metadata database. There "
        "`airflow inforu receiver setup` makes the tables, or `airflow db migrate` where `[database] "
        "external_db_managers` names airflow_provider_inforu.receiver.db_manager.InforuDBManager.",
        "version_added": "0.1.0",
        "type": "string",
        "sensitive": True,
        "example": "postgresql+psycopg2://inforu:password@db.example/inforu",
        "default": "",
    },
    "receiver_allowed_addresses": {
        "description": "Addresses and networks that may push, separated by commas. Empty: all. "
        "Reading is not restricted by address.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "192.0.2.0/24, 2001:db8::1",
        "default": "",
    },
    "receiver_connections": {
        "description": "The connections that may push and read, separated by commas. Any other name is "
        "refused without a look-up, like a wrong secret. Empty: every connection of type inforu.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "inforu_default",
        "default": "",
    },
    "receiver_max_body_bytes": {
        "description": "A larger push is refused. 10,000 notifications take about 3 MB.",
        "version_added": "0.1.0",
        "type": "integer",
        "example": None,
        "default": "8388608",
    },
    "receiver_store_phones": {
        "description": "What is stored of the phones in notifications: `masked` (the last three digits), "
        "`full` or `none`. Nothing that reads notifications shows them.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "none",
        "default": "masked",
    },
    "receiver_retention_days": {
        "description": "How long the receiver and `airflow inforu prune` keep notifications, 8 to 36500 "
        "days. The receiver removes older ones by itself; 0 keeps everything.",
        "version_added": "0.1.0",
        "type": "integer",
        "example": None,
        "default": "90",
    },
}
"""The configuration of the receiver."""

SHORTEST_SECRET = 16
"""Characters of a secret in the connection. A shorter one could be guessed."""

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {"host": "API address", "login": "User name", "password": "API token"},
    "placeholders": {
        "host": "https://capi.inforu.co.il",
        "port": "443",
        "login": "as in the Inforu portal",
        "password": "the API token, not the password of the portal",
    },
}
"""How the connection form shows Airflow's own fields."""

CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "auth_location": {
        "label": "Authentication",
        "description": "Where user name and token travel: in the header, or in the body.",
        "schema": {"type": ["string", "null"], "enum": ["header", "body"], "default": "header"},
    },
    "timeout": {
        "label": "Timeout (seconds)",
        "description": "How long to wait for an answer, 1 to 300.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 300, "default": 30},
    },
    "requests_per_second": {
        "label": "Requests per second",
        "description": "The most requests a send makes in a second. The vendor's limit is 30 per account; "
        "0 is no limit of ours.",
        "schema": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000, "default": 30},
    },
    "proxy": {
        "label": "Proxy",
        "description": "Address of an HTTP proxy, for example http://proxy.example:3128. "
        "Empty: what the environment says.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "notification_secret": {
        "label": "Notification secret",
        "description": "The secret in the address to which Inforu pushes notifications: "
        "16 characters or more.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "notification_secret_previous": {
        "label": "Previous notification secret",
        "description": "The secret that it replaces, while the address at Inforu still has that one.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "read_secret": {
        "label": "Read secret",
        "description": "The secret with which tasks read outcomes, 16 characters or more. "
        "Empty: the notification secret reads too.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "receiver_url": {
        "label": "Receiver address",
        "description": "Where the receiver of notifications answers, for example https://airflow.example.",
        "schema": {"type": ["string", "null"]},
    },
    "status_function": {
        "label": "Status function",
        "description": "A function of your account that takes a RequestToken and answers whether its job "
        "is finished. Leave it empty if your account has no such function.",
        "schema": {"type": ["string", "null"]},
    },
}
"""The fields of the connection's extra, as JSON schema: the form, the reader and the docs share them."""
