"""The tables."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class Base(DeclarativeBase):
    """Base of all tables. Each has a primary key, which MySQL's Group Replication asks for."""


class Role(StrEnum):
    """What a user may do: `user` reads prices, `admin` also sees statistics and registers admins."""

    USER = "user"
    ADMIN = "admin"


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: MySQL and SQLite keep no offset, so it is stored in UTC and read back aware.

    The migrations decide the precision: seconds in `users`, milliseconds elsewhere.
    """

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Store an aware moment in UTC."""
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Read it back aware."""
        return value.replace(tzinfo=UTC) if value else None


class User(Base):
    """A person who can log in; `phone` is normalised (see `efishery_auth.phones`) and unique."""

    __tablename__ = "users"

    # SQLite counts up only a column of type INTEGER.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(16), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime())
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    # Access tokens without a session that were issued before are not valid (see `efishery_auth.sessions`).
    tokens_not_before: Mapped[datetime | None] = mapped_column(UTCDateTime(), index=True)


class LoginSession(Base):
    """A login that refresh tokens continue: what is needed to recognise them, and where it came from.

    Hashes are SHA-256 in hexadecimal digits: the tokens are random, so they need no slow hash.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)  # the claim `sid` of its access tokens
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    family_hash: Mapped[str] = mapped_column(String(64))  # of the part that all its refresh tokens share
    token_hash: Mapped[str] = mapped_column(String(64))  # of the refresh token that can be used
    previous_token_hash: Mapped[str | None] = mapped_column(String(64))  # of the one that was used last
    created_at: Mapped[datetime] = mapped_column(UTCDateTime())
    refreshed_at: Mapped[datetime] = mapped_column(UTCDateTime())
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime(), index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime(), index=True)
    end_reason: Mapped[str | None] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(200))


class LoginFailures(Base):
    """How many logins have failed in the current window, for a phone or an address (see `efishery_auth.locks`)."""

    __tablename__ = "login_failures"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the phone or the address
    failures: Mapped[int] = mapped_column(Integer)
    window_ends_at: Mapped[datetime] = mapped_column(UTCDateTime())
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime())


class AuditEvent(Base):
    """What somebody did to an account; rows are added and never changed (see `efishery_auth.audit`)."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime(), index=True)
    action: Mapped[str] = mapped_column(String(32))
    actor_id: Mapped[int | None] = mapped_column(BigInteger())  # who did it, None for nobody who has logged in
    user_id: Mapped[int | None] = mapped_column(BigInteger(), index=True)  # whose account it was, if there is one
    phone: Mapped[str | None] = mapped_column(String(16))  # masked, where no account has it
    address: Mapped[str] = mapped_column(String(45))
    request_id: Mapped[str] = mapped_column(String(64))
    details: Mapped[str | None] = mapped_column(String(200))
