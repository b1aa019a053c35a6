"""The tables."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Integer, String
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
    """A moment: MySQL and SQLite keep no offset, so it is stored in UTC and read back aware."""

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
