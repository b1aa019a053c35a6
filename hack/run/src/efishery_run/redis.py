"""A Redis for machines without redis-server: fakeredis, which implements the protocol in memory."""

import signal
import sys
from types import FrameType

from fakeredis import TcpFakeServer

from efishery_run.ports import HOST


def main(port: int) -> None:
    """Serve on `port` until SIGTERM."""
    server = TcpFakeServer((HOST, port))
    server.daemon_threads = True  # open connections do not delay its end
    signal.signal(signal.SIGTERM, _leave)
    server.serve_forever()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
