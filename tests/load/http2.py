"""An HTTP/2 client that opens many streams at once, before it has read the server's SETTINGS, as browsers do."""

from collections import Counter
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.settings import Settings

from tests.load.connections import connect_http2

READ_BYTES = 65536


class Http2Client:
    """One connection to a gateway with TLS."""

    def __init__(self, url: str, timeout: float = 30) -> None:
        self._socket = connect_http2(url, timeout)
        self._authority = urlsplit(url).netloc
        self._http2 = H2Connection(H2Configuration(client_side=True))
        self._http2.initiate_connection()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    @property
    def settings(self) -> Settings:
        """The server's SETTINGS, once `answers` has read them."""
        return self._http2.remote_settings

    def get(self, path: str, times: int) -> None:
        """Send `times` requests at once. Until `answers` reads, the server keeps what it answers."""
        for _ in range(times):
            headers = [(":method", "GET"), (":scheme", "https"), (":authority", self._authority), (":path", path)]
            self._http2.send_headers(self._http2.get_next_available_stream_id(), headers, end_stream=True)
        self._socket.sendall(self._http2.data_to_send())

    def answers(self, times: int) -> Counter[str]:
        """Read until `times` streams have ended; return how many with each status, "reset CODE" or "closed"."""
        ends: Counter[str] = Counter()
        statuses: dict[int, str] = {}
        while ends.total() < times:
            received = self._socket.recv(READ_BYTES)
            if not received:
                ends["closed"] = times - ends.total()
                break
            for event in self._http2.receive_data(received):
                self._take(event, statuses, ends)
            self._socket.sendall(self._http2.data_to_send())
        return ends

    def _take(self, event: Event, statuses: dict[int, str], ends: Counter[str]) -> None:
        if isinstance(event, ResponseReceived):
            statuses[event.stream_id] = dict(event.headers)[b":status"].decode()
        elif isinstance(event, DataReceived):
            self._http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamReset):
            ends[f"reset {event.error_code}"] += 1
        elif isinstance(event, StreamEnded):
            ends[statuses[event.stream_id]] += 1
