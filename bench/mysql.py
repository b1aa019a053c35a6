"""A MySQL server for auth, with a new data directory: one member, without a group."""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pymysql

from efishery_run.errors import LaunchError
from efishery_run.ports import HOST
from efishery_run.supervisor import Process

USER: Final = "efishery"
INITIAL_SQL: Final = (
    f"CREATE DATABASE {USER}; CREATE USER {USER}@'%' IDENTIFIED BY ''; GRANT ALL ON {USER}.* TO {USER}@'%';"
)
# As in charts/mysql/templates/_lib/_config.tpl: every commit is on disk, in the binary log too.
SETTINGS: Final = (
    "--sync-binlog=1",
    "--innodb-flush-log-at-trx-commit=1",
    "--log-bin=binlog",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--secure-file-priv=NULL",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--loose-mysqlx=OFF",
)


@dataclass(frozen=True)
class MySQL:
    """The processes of a server on the loopback interface, and the URL for auth."""

    root: Path
    port: int

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of auth's database."""
        return f"mysql+pymysql://{USER}@{HOST}:{self.port}/{USER}?charset=utf8mb4"

    def initialize(self) -> Process:
        """Make a new data directory with auth's database and account."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        initial = self.root / "initial.sql"
        initial.write_text(INITIAL_SQL)
        return Process("mysqld-initialize", self._command("--initialize-insecure", f"--init-file={initial}"))

    def server(self) -> Process:
        """The server."""
        address = (f"--bind-address={HOST}", f"--port={self.port}")
        return Process("mysqld", self._command(*address, *SETTINGS), is_ready=self._answers)

    def password_hash(self, phone: str) -> str:
        """Read the hash of a user's password; raises LaunchError without one."""
        with pymysql.connect(host=HOST, port=self.port, user=USER, database=USER) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT password_hash FROM users WHERE phone = %s", (phone,))
            row = cursor.fetchone()
        if row is None:
            raise LaunchError(f"MySQL has no user {phone}")
        return str(row[0])

    def _command(self, *options: str) -> tuple[str, ...]:
        user = pwd.getpwuid(os.getuid()).pw_name  # mysqld refuses to run as root unless told to
        files = (f"--datadir={self.root / 'data'}", "--socket=mysqld.sock", "--pid-file=mysqld.pid")
        return ("mysqld", "--no-defaults", f"--user={user}", *files, *options)

    def _answers(self) -> bool:
        try:
            pymysql.connect(host=HOST, port=self.port, user=USER, connect_timeout=2).close()
        except pymysql.MySQLError:
            return False
        return True
