"""The tables of the receiver's store."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator

VERSION_TABLE = "alembic_version_inforu"


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A time in UTC, with a time zone even on databases that do not store one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:  # noqa: ANN401 - a type of SQLAlchemy's
        """Use a type that stores microseconds, on MySQL too."""
        if dialect.name == "mysql":
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Convert a time to UTC."""
        if value is None:
            return None
        utc = value.astimezone(dt.UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(
        self,
        value: dt.datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - SQLAlchemy passes it
    ) -> dt.datetime | None:
        """Add the time zone UTC to a stored time."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _exact(length: int) -> sa.types.TypeEngine[str]:
    """Return a text type with case-sensitive comparison, on MySQL too."""
    exact = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(exact, "mysql").with_variant(exact, "mariadb")


# SQLite generates values for this type only.
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql").with_variant(mysql.MEDIUMTEXT(), "mariadb")
_CONN_ID_LENGTH = 250

KEY_LENGTH = 100
MESSAGE_ID_LENGTH = 255
WORD_LENGTH = 255
DIGIT_LENGTH = 64
PHONE_LENGTH = 32

metadata = sa.MetaData()


OUTCOME_LENGTHS = {"status": WORD_LENGTH, "digit": DIGIT_LENGTH}
"""The maximum number of characters of each text of an outcome."""


def _new_outcome_columns() -> list[sa.Column[Any]]:
    """Return new columns for the fields of `CallOutcome`, because a column belongs to one table."""
    return [
        sa.Column("status", _exact(OUTCOME_LENGTHS["status"])),
        sa.Column("seconds", sa.BigInteger),
        sa.Column("digit", _exact(OUTCOME_LENGTHS["digit"])),
        sa.Column("campaign_id", sa.BigInteger),
        sa.Column("ended_at", UtcDateTime),
    ]


sources = sa.Table(
    "inforu_source",
    metadata,
    sa.Column("conn_id", _exact(_CONN_ID_LENGTH), primary_key=True),
    sa.Column("pushes", sa.BigInteger, nullable=False),
    sa.Column("last_push_at", UtcDateTime, nullable=False),
    comment="One row per connection. A push locks it, so that a connection's pushes are stored one by one.",
)

notifications = sa.Table(
    "inforu_notification",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("conn_id", _exact(_CONN_ID_LENGTH), nullable=False),
    sa.Column("digest", _exact(32), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("send_id", _exact(16)),
    sa.Column("key", _exact(KEY_LENGTH)),
    sa.Column("message_id", sa.String(MESSAGE_ID_LENGTH)),
    sa.Column("phone", sa.String(PHONE_LENGTH)),
    *_new_outcome_columns(),
    sa.UniqueConstraint("conn_id", "digest", name="inforu_notification_digest_uq"),
    sa.Index("inforu_notification_feed_ix", "conn_id", "id"),
    sa.Index("inforu_notification_received_at_ix", "received_at"),
    comment="Every distinct notification of a voice call, in order of arrival.",
    # Without it, SQLite reuses the ID of a pruned row, and a reader of the feed would miss the new row.
    sqlite_autoincrement=True,
)

calls = sa.Table(
    "inforu_call",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("conn_id", _exact(_CONN_ID_LENGTH), nullable=False),
    sa.Column("send_id", _exact(16), nullable=False),
    sa.Column("key", _exact(KEY_LENGTH), nullable=False),
    sa.Column("rank", _exact(64), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    *_new_outcome_columns(),
    sa.UniqueConstraint("conn_id", "send_id", "key", name="inforu_call_key_uq"),
    sa.Index("inforu_call_send_ix", "conn_id", "send_id", "id"),
    sa.Index("inforu_call_received_at_ix", "received_at"),
    comment="The outcome of each call of a send, from the notification with the latest end.",
    sqlite_autoincrement=True,
)

unrecognized = sa.Table(
    "inforu_unrecognized",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("conn_id", _exact(_CONN_ID_LENGTH), nullable=False),
    sa.Column("digest", _exact(32), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("content", _LONG_TEXT, nullable=False),
    sa.UniqueConstraint("conn_id", "digest", name="inforu_unrecognized_digest_uq"),
    sa.Index("inforu_unrecognized_received_at_ix", "received_at"),
    comment="Pushed content that is unreadable or does not report an ended voice call, for manual review.",
    sqlite_autoincrement=True,
)
