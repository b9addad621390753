"""The provider's metadata for Airflow. Every Airflow command reads this module, so it imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # not imported from `typing`, because that import takes milliseconds
if TYPE_CHECKING:
    from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata in the format of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-inforu",
        "name": "Inforu",
        "description": "Phone each person once through the voice functions of the Inforu API.",
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
                        "description": "The folder of the ledgers and of the alerts' cool-downs: a path or a "
                        "URL that fsspec supports, without a password. All workers must share it. If empty, "
                        "ledgers are in Airflow's task state (Airflow 3.3 or later), and each machine has "
                        "its own cool-downs.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://aws_default@bucket/inforu-ledgers",
                        "default": "",
                    },
                    "require_ledger": {
                        "description": "Refuse a retry or a cleared task if its earlier tries left no "
                        "ledger. By default such a try calls everybody, because no earlier try began a send. "
                        "Set it if ledgers may get lost, for example if Airflow's task state is sometimes "
                        "deleted.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "False",
                    },
                    "rate_limit_redis_url": {
                        "description": "The URL of a Redis server. Through it all sends of an account share "
                        "the connection's requests_per_second, and all alerts share their cool-downs. If "
                        "empty, each send has its own rate limit.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "sensitive": True,
                        "example": "redis://redis.example:6379/0",
                        "default": "",
                    },
                    "ui_enabled": {
                        "description": "Show the page of calls at /inforu-calls and in the menu Browse. It "
                        "needs Airflow 3.1.1 or later.",
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
        "description": "Run the receiver of Inforu's notifications in the API server, below /inforu. Its "
        "tables must exist: see receiver_database.",
        "version_added": "0.1.0",
        "type": "boolean",
        "example": "True",
        "default": "False",
    },
    "receiver_database": {
        "description": "The database of the notifications: a SQLAlchemy URL with a synchronous driver. The "
        "receiver creates its tables there. If empty, it is Airflow's metadata database. There "
        "`airflow inforu receiver setup` creates the tables. `airflow db migrate` creates them too, if "
        "`[database] external_db_managers` contains "
        "airflow_provider_inforu.receiver.db_manager.InforuDBManager.",
        "version_added": "0.1.0",
        "type": "string",
        "sensitive": True,
        "example": "postgresql+psycopg2://inforu:password@db.example/inforu",
        "default": "",
    },
    "receiver_allowed_addresses": {
        "description": "The IP addresses and networks that may push notifications, separated by commas. If "
        "empty, all may push. Reading is not restricted by address.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "192.0.2.0/24, 2001:db8::1",
        "default": "",
    },
    "receiver_connections": {
        "description": "The IDs of the connections that may push and read, separated by commas. The receiver "
        "refuses any other ID in the same way as a wrong secret, without a look-up. If empty, every "
        "connection of type inforu may push and read.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "inforu_default",
        "default": "",
    },
    "receiver_max_body_bytes": {
        "description": "The largest push in bytes. A larger one is refused. 10,000 notifications take about "
        "3 MB.",
        "version_added": "0.1.0",
        "type": "integer",
        "example": None,
        "default": "8388608",
    },
    "receiver_store_phones": {
        "description": "How much of the phones in notifications is stored: `masked` (the last three digits), "
        "`full` or `none`. No command and no page shows them.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "none",
        "default": "masked",
    },
    "receiver_retention_days": {
        "description": "The days for which the receiver and `airflow inforu prune` keep notifications, 8 to "
        "36500. The receiver deletes older ones by itself. 0 keeps everything.",
        "version_added": "0.1.0",
        "type": "integer",
        "example": None,
        "default": "90",
    },
}
"""The configuration of the receiver."""

SHORTEST_SECRET = 16
"""The fewest characters of a secret in the connection. A shorter one could be guessed."""

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {"host": "API address", "login": "User name", "password": "API token"},
    "placeholders": {
        "host": "https://capi.inforu.co.il",
        "port": "443",
        "login": "your user name in the Inforu portal",
        "password": "the API token, not the password of the portal",
    },
}
"""How the connection form shows Airflow's own fields."""

CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "auth_location": {
        "label": "Authentication",
        "description": "Where a request contains the user name and the token: in the header or in the body.",
        "schema": {"type": ["string", "null"], "enum": ["header", "body"], "default": "header"},
    },
    "timeout": {
        "label": "Timeout (seconds)",
        "description": "Seconds to wait for a response, 1 to 300.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 300, "default": 30},
    },
    "requests_per_second": {
        "label": "Requests per second",
        "description": "The most requests of a send in a second. Inforu's limit is 30 per account. 0: no "
        "limit in this provider.",
        "schema": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000, "default": 30},
    },
    "proxy": {
        "label": "Proxy",
        "description": "Address of an HTTP proxy, for example http://proxy.example:3128. If empty, the "
        "environment variables such as HTTPS_PROXY apply.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "notification_secret": {
        "label": "Notification secret",
        "description": "The secret in the address to which Inforu pushes notifications, 16 characters or "
        "more.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "notification_secret_previous": {
        "label": "Previous notification secret",
        "description": "The earlier notification secret. Keep it here while Inforu still uses it.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "read_secret": {
        "label": "Read secret",
        "description": "The secret with which tasks read outcomes, 16 characters or more. If empty, they use "
        "the notification secret.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "receiver_url": {
        "label": "Receiver address",
        "description": "The address of the receiver of notifications, for example https://airflow.example.",
        "schema": {"type": ["string", "null"]},
    },
    "status_function": {
        "label": "Status function",
        "description": "A function of Inforu's API that returns whether the request of a RequestToken is "
        "finished. Leave it empty if your account has no such function.",
        "schema": {"type": ["string", "null"]},
    },
}
"""The fields of the connection's extra as JSON schema. The form, the hook and the docs use them."""
