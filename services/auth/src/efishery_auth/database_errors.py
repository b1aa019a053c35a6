"""Which of MySQL's errors mean that the database is unavailable.

Numbers: MySQL Error Reference, chapter 2 (server) and chapter 3 (client, from 2000 on).
"""

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# The connection cannot be made, was refused, or was lost: 1040 too many connections, 1053 shutdown in progress,
# 2002 and 2003 cannot connect, 2006 server has gone away, 2013 and 2055 connection lost, 3169 session killed,
# 4031 closed after inactivity. PyMySQL's 0 is a connection that was closed before.
CONNECTION_ERRORS = frozenset({0, 1040, 1053, 2002, 2003, 2006, 2013, 2055, 3169, 4031})
# The server is not, not yet, or no longer the primary: 1290 read-only option, 1792 read-only transaction, 1836
# read-only mode, 3032 offline mode, 3098 Group Replication ends (or a table has no primary key, as none of ours), 3100
# and 3101 it refused or rolled back the commit, 3781 to 3783, 3797 and 3799 a statement waited in vain for the group,
# 4094 the role is being handed over.
READ_ONLY_ERRORS = frozenset({1290, 1792, 1836, 3032, 3098, 3100, 3101, 3781, 3782, 3783, 3797, 3799, 4094})

# Of the connection errors those of one that was made and has ended.
LOST = frozenset({0, 2006, 2013, 2055, 4031})

# InnoDB rolled the transaction back, because it and another one waited for each other's rows.
DEADLOCK = 1213


def error_code(error: BaseException) -> int | None:
    """Return MySQL's number of an error of SQLAlchemy or of the driver, None where it has none."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = original.args[0] if original and original.args else None
    return code if isinstance(code, int) else None


def is_unavailable(error: BaseException) -> bool:
    """Tell whether a later attempt, or one at another server, can succeed."""
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error_code(error) in CONNECTION_ERRORS | READ_ONLY_ERRORS


def is_deadlock(error: BaseException) -> bool:
    """Tell whether the whole transaction was rolled back and can be repeated at once."""
    return isinstance(error, DBAPIError) and error_code(error) == DEADLOCK


def is_lost_before_commit(error: BaseException) -> bool:
    """Tell whether the connection ended at a statement: the server rolls the transaction back, and it can be repeated.

    SQLAlchemy's error of a COMMIT has no statement; whether that has been done is unknown.
    """
    return isinstance(error, DBAPIError) and error.statement is not None and error_code(error) in LOST


def is_duplicate_key(error: IntegrityError) -> bool:
    """Tell whether a unique key has the value already."""
    return error_code(error) == 1062 or getattr(error.orig, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_UNIQUE"


def reconnect_on_read_only(engine: Engine) -> None:
    """Make `engine` drop all its connections when one leads to a server that is not the primary any more.

    An open connection stays with its server, whatever the Service selects since.
    """

    @event.listens_for(engine, "handle_error")
    def drop_connections(context: ExceptionContext) -> None:
        if error_code(context.original_exception) in READ_ONLY_ERRORS:
            context.is_disconnect = True
