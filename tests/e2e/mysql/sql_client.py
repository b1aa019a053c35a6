"""Runs in a pod of the mesh: inserts rows through mysql-primary, reads through mysql-replicas, until SIGTERM.

Prints each operation as a JSON array when it is done: kind (`write` or `read`), number, when it was sent and done
(epoch seconds), outcome, and detail: the member that answered a read, or the error. A write is `ok` when MySQL
acknowledged it, `failed` when it was certainly not applied, and `unknown` when no answer came.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pymysql

TIMEOUT_SECONDS = 2
# Of a member that is not the primary: super_read_only, read_only, offline_mode.
READ_ONLY_ERRORS = (1290, 1836, 3032)
# Then a new connection, as of a pool that recycles: only a new connection can reach a new replica.
READS_PER_CONNECTION = 20

ending = threading.Event()
output = threading.Lock()

Connection = Any  # pymysql.Connection[Cursor]: its stubs are not in the image


def connect(host: str, timeout: float) -> Connection:
    """Connect as auth does, with TLS where the release has it."""
    ca = os.environ["WORKLOAD_CA"]
    return pymysql.connect(
        host=host,
        user=os.environ["WORKLOAD_USER"],
        password=os.environ["WORKLOAD_PASSWORD"],
        database=os.environ["WORKLOAD_DATABASE"],
        ssl={"ca": ca} if ca else None,
        autocommit=True,
        connect_timeout=int(timeout),
        read_timeout=timeout,
        write_timeout=timeout,
    )


def print_operation(kind: str, number: int, sent: float, outcome: str, detail: object) -> None:
    """Print one operation that is done."""
    line = json.dumps([kind, number, round(sent, 4), round(time.time(), 4), outcome, str(detail)[:80]])
    with output:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def write(connection: Connection, number: int) -> tuple[str, object]:
    """Insert one row; return outcome and detail."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO fault_test_writes (workload, n, member) VALUES (%s, %s, @@hostname)",
                (os.environ["WORKLOAD_ID"], number),
            )
    except (pymysql.MySQLError, OSError) as error:
        return "failed" if error.args and error.args[0] in READ_ONLY_ERRORS else "unknown", error
    return "ok", ""


def read(connection: Connection, _number: int) -> tuple[str, object]:
    """Read the newest row; return the outcome and the member that answered."""
    statement = "SELECT @@hostname, MAX(n) FROM fault_test_writes WHERE workload = %s"
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, (os.environ["WORKLOAD_ID"],))
            return "ok", cursor.fetchone()[0]
    except (pymysql.MySQLError, OSError) as error:
        return "unknown", error


def repeat(
    kind: str, host: str, do: Callable[[Connection, int], tuple[str, object]], first: int, step: int, pause: float
) -> None:
    """Repeat an operation with the numbers `first`, `first + step` …; reconnect after each that was not `ok`."""
    connection = None
    number, used = first, 0
    while not ending.wait(pause):
        sent = time.time()
        try:
            connection = connection or connect(host, TIMEOUT_SECONDS)
        except (pymysql.MySQLError, OSError) as error:
            print_operation(kind, number, sent, "failed", error)
        else:
            outcome, detail = do(connection, number)
            print_operation(kind, number, sent, outcome, detail)
            used += 1
            if outcome != "ok" or (kind == "read" and used % READS_PER_CONNECTION == 0):
                drop(connection)
                connection = None
        number += step


def drop(connection: Connection) -> None:
    """Close the socket without COM_QUIT: the server may not be reading."""
    connection._force_close()


def main() -> None:
    """Start the threads and wait for SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    writers, readers = int(os.environ["WORKLOAD_WRITERS"]), int(os.environ["WORKLOAD_READERS"])
    threads = [
        threading.Thread(target=repeat, args=("write", "mysql-primary", write, first, writers, 0.05))
        for first in range(writers)
    ] + [
        threading.Thread(target=repeat, args=("read", "mysql-replicas", read, first, readers, 0.1))
        for first in range(readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
