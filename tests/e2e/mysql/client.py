"""Runs in a pod of the mesh: unique rows through mysql-primary, reads through mysql-replicas, until SIGTERM.

Prints a JSON array for each attempt, when it is over: kind (w or r), its number, when it was sent and when it was over
(epoch seconds), what came of it, and the member that read or the error. A write is `ok` when MySQL said so, `refused`
when it cannot have been done, and `unknown` when nobody told: the row may be there or not.
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
REFUSALS = (1290, 1836, 3032)
READS_EACH_CONNECTION = 20  # then a new one, as a pool would in time, so that new replicas get their share

ending = threading.Event()
printing = threading.Lock()

Connection = Any  # pymysql.Connection[Cursor]: its stubs are not in the image


def connect(host: str, timeout: float) -> Connection:
    """Connect as the application does, with TLS where the release has it."""
    ca = os.environ["LEDGER_CA"]
    return pymysql.connect(
        host=host,
        user=os.environ["LEDGER_USER"],
        password=os.environ["LEDGER_PASSWORD"],
        database=os.environ["LEDGER_DATABASE"],
        ssl={"ca": ca} if ca else None,
        autocommit=True,
        connect_timeout=int(timeout),
        read_timeout=timeout,
        write_timeout=timeout,
    )


def note(kind: str, number: int, sent: float, outcome: str, detail: object) -> None:
    """Print one attempt."""
    line = json.dumps([kind, number, round(sent, 4), round(time.time(), 4), outcome, str(detail)[:80]])
    with printing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def write(connection: Connection, number: int) -> tuple[str, object]:
    """Write one row; answer what came of it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger (run, n, member) VALUES (%s, %s, @@hostname)", (os.environ["LEDGER_RUN"], number)
            )
    except (pymysql.MySQLError, OSError) as error:
        return "refused" if error.args and error.args[0] in REFUSALS else "unknown", error
    return "ok", ""


def read(connection: Connection, _number: int) -> tuple[str, object]:
    """Read the newest row; answer what came of it, and who answered."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@hostname, MAX(n) FROM ledger WHERE run = %s", (os.environ["LEDGER_RUN"],))
            return "ok", cursor.fetchone()[0]
    except (pymysql.MySQLError, OSError) as error:
        return "unknown", error


def attempts(
    kind: str, host: str, do: Callable[[Connection, int], tuple[str, object]], first: int, step: int, every: float
) -> None:
    """Do it again and again, with numbers that no other thread has; a connection that failed is not used again."""
    connection = None
    number, used = first, 0
    while not ending.wait(every):
        sent = time.time()
        try:
            connection = connection or connect(host, TIMEOUT_SECONDS)
        except (pymysql.MySQLError, OSError) as error:
            note(kind, number, sent, "refused", error)
        else:
            outcome, detail = do(connection, number)
            note(kind, number, sent, outcome, detail)
            used += 1
            if outcome != "ok" or (kind == "r" and used % READS_EACH_CONNECTION == 0):
                drop(connection)
                connection = None
        number += step


def drop(connection: Connection) -> None:
    """Close without a word: the server may not be listening."""
    connection._force_close()


def main() -> None:
    """Start the threads and wait for SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    writers, readers = int(os.environ["LEDGER_WRITERS"]), int(os.environ["LEDGER_READERS"])
    threads = [
        threading.Thread(target=attempts, args=("w", "mysql-primary", write, each, writers, 0.05))
        for each in range(writers)
    ] + [
        threading.Thread(target=attempts, args=("r", "mysql-replicas", read, each, readers, 0.1))
        for each in range(readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
