"""The tables of sessions, failed logins and audit events, and the columns by which a user is disabled."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql")

INDEXES = {
    "users": ("tokens_not_before",),
    "sessions": ("user_id", "expires_at", "ended_at"),
    "audit_events": ("occurred_at", "user_id"),
}


def upgrade() -> None:
    """Add the columns, then the tables."""
    _add_column("users", sa.Column("disabled_at", MOMENT))
    _add_column("users", sa.Column("tokens_not_before", MOMENT))
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(22), primary_key=True),
        sa.Column("user_id", BIG_INTEGER, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("family_hash", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("previous_token_hash", sa.String(64)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("refreshed_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("end_reason", sa.String(32)),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("user_agent", sa.String(200), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "login_failures",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("window_ends_at", MOMENT, nullable=False),
        sa.Column("locked_until", MOMENT),
        if_not_exists=True,
    )
    op.create_table(
        "audit_events",
        sa.Column("id", BIG_INTEGER, primary_key=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("actor_id", sa.BigInteger),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("phone", sa.String(16)),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("details", sa.String(200)),
        if_not_exists=True,
    )
    for table, columns in INDEXES.items():
        for column in columns:
            _create_index(table, column)


def downgrade() -> None:
    """Drop what `upgrade` adds, with all sessions and the audit log."""
    for table in ("audit_events", "login_failures", "sessions"):
        op.drop_table(table)
    op.drop_index("ix_users_tokens_not_before", "users")
    for column in ("tokens_not_before", "disabled_at"):
        op.drop_column("users", column)


# MySQL has no IF NOT EXISTS for columns and indexes.
def _add_column(table: str, column: sa.Column[object]) -> None:
    if op.get_context().as_sql or column.name not in _names(sa.inspect(op.get_bind()).get_columns(table)):
        op.add_column(table, column)


def _create_index(table: str, column: str) -> None:
    name = f"ix_{table}_{column}"
    if op.get_context().as_sql or name not in _names(sa.inspect(op.get_bind()).get_indexes(table)):
        op.create_index(name, table, [column])


def _names(found: Iterable[Mapping[str, Any]]) -> set[str]:
    return {each["name"] for each in found}
