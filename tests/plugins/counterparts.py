"""Real servers in this process that notices are sent to: mail by ``aiosmtpd``, and a receiver of webhooks."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from email import message_from_bytes
from email.message import Message
from http.server import ThreadingHTTPServer
from typing import Any

from tests.serving import QuietHandler


class Hook:
    """Takes webhooks; the first is refused."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        requests = self.requests

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                requests.append((dict(self.headers), self.taken()))
                self.send_response(503 if len(requests) == 1 else 204)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def connection(self, password: str = "") -> str:
        """Return the JSON of an Airflow connection to it."""
        return json.dumps({"conn_type": "http", "host": f"http://127.0.0.1:{self.port}/in", "password": password})


class Mailbox:
    """Keeps the mails that come in."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        return "250 fine"

    def texts(self) -> list[tuple[str, str]]:
        """Return subject and text of each mail."""
        return [(str(mail["Subject"]), mail.get_payload(0).get_payload(decode=True).decode()) for mail in self.mails]  # type: ignore[union-attr]


def smtp_connection(port: int, **extra: Any) -> str:
    """Return the JSON of an Airflow connection to a mail server on this machine."""
    given = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@example.org", **extra}
    return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": given})


@contextlib.contextmanager
def mail_server() -> Any:
    """Give a mailbox and the port of the SMTP server that fills it."""
    from aiosmtpd.controller import Controller

    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


@contextlib.contextmanager
def hanging_server() -> Any:
    """Give the port of a server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield server.getsockname()[1]
