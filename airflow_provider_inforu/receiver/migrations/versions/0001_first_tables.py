"""Create the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "inforu_source",
        sa.Column("conn_id", _exact(250), nullable=False),
        sa.Column("pushes", sa.BigInteger(), nullable=False),
        sa.Column("last_push_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("conn_id"),
    )
    op.create_table(
        "inforu_notification",
        *_first_columns(),
        *_result_columns(),
        sa.Column("send_id", _exact(16)),
        sa.Column("key", _exact(100)),
        sa.Column("message_id", sa.String(255)),
        sa.Column("phone", sa.String(32)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conn_id", "digest", name="inforu_notification_digest_uq"),
        sqlite_autoincrement=True,
    )
    op.create_index("inforu_notification_feed_ix", "inforu_notification", ["conn_id", "id"])
    op.create_index("inforu_notification_received_at_ix", "inforu_notification", ["received_at"])
    op.create_table(
        "inforu_call",
        *[column for column in _first_columns() if column.name != "digest"],
        *_result_columns(),
        sa.Column("send_id", _exact(16), nullable=False),
        sa.Column("key", _exact(100), nullable=False),
        sa.Column("rank", _exact(64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conn_id", "send_id", "key", name="inforu_call_key_uq"),
        sqlite_autoincrement=True,
    )
    op.create_index("inforu_call_send_ix", "inforu_call", ["conn_id", "send_id", "id"])
    op.create_index("inforu_call_received_at_ix", "inforu_call", ["received_at"])
    op.create_table(
        "inforu_unrecognized",
        *_first_columns(),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column(
            "content",
            sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql").with_variant(mysql.MEDIUMTEXT(), "mariadb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conn_id", "digest", name="inforu_unrecognized_digest_uq"),
        sqlite_autoincrement=True,
    )
    op.create_index("inforu_unrecognized_received_at_ix", "inforu_unrecognized", ["received_at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("inforu_unrecognized", "inforu_call", "inforu_notification", "inforu_source"):
        op.drop_table(table)


def _first_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True),
        sa.Column("conn_id", _exact(250), nullable=False),
        sa.Column("digest", _exact(32), nullable=False),
        sa.Column("received_at", _moment(), nullable=False),
    ]


def _result_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("ended_at", _moment()),
        sa.Column("campaign_id", sa.BigInteger()),
        sa.Column("status", _exact(255)),
        sa.Column("seconds", sa.BigInteger()),
        sa.Column("digit", _exact(64)),
    ]


def _exact(length: int) -> sa.types.TypeEngine[str]:
    exact = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(exact, "mysql").with_variant(exact, "mariadb")


def _moment() -> sa.DateTime:
    precise = mysql.DATETIME(fsp=6)
    return sa.DateTime(timezone=True).with_variant(precise, "mysql").with_variant(precise, "mariadb")
