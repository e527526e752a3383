"""The in-process HTTP client: which addresses it reaches, redirects, limits, pinning."""

from __future__ import annotations

import datetime as dt
import http.server
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes import http_client
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient, check_address
from flowdrop_provider.nodes.world import HttpReply, HttpRequest

LOCAL = HttpPolicy(allow_networks=("127.0.0.0/8",), max_body=1000)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path, and remembers every request it saw."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]] = []

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append({"method": self.command, "path": self.path, "headers": headers, "body": body})
        if self.path.startswith("/to/"):
            status, _, location = self.path[4:].partition("/")
            self.send_response(int(status))
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                self.wfile.write(b"X")
                self.wfile.flush()
                time.sleep(0.1)
        else:
            data = b"x" * (5000 if self.path == "/big" else 2)
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data if self.command != "HEAD" else b"")

    do_GET = do_POST = do_HEAD = do_PUT = _answer


@pytest.fixture
def server() -> Iterator[int]:
    Handler.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address[1]
        running.shutdown()


def send(url: str, *, policy: HttpPolicy = LOCAL, **fields: Any) -> HttpReply:
    return PinnedHttpClient(policy).send(HttpRequest(fields.pop("method", "GET"), url, **fields))


def code(call: Callable[[], Any]) -> str:
    with pytest.raises(NodeError) as caught:
        call()
    return caught.value.code


@pytest.mark.rule("NET-1")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "100.100.100.200",
    ],
)
def test_internal_addresses_are_refused(address: str) -> None:
    assert code(lambda: check_address(ipaddress.ip_address(address), HttpPolicy())) == "address_refused"


@pytest.mark.rule("NET-1")
@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    check_address(ipaddress.ip_address(address), HttpPolicy())


@pytest.mark.rule("NET-1")
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "user:pw@127.1"]
)
def test_no_spelling_of_the_loopback_gets_through(server: int, host: str) -> None:
    assert code(lambda: send(f"http://{host}:{server}/", policy=HttpPolicy())) in ("address_refused", "connection_failed")
    assert Handler.seen == []


@pytest.mark.rule("NET-1")
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://h/x",
        "gopher://h/",
        "http://",
        "//h/x",
        "http://a b/",
        "http://h\\@b/",
        "http://h:99999/",
        "x",
    ],
)
def test_other_schemes_and_broken_urls_are_refused(url: str) -> None:
    assert code(lambda: send(url)) == "invalid_url"


def fake_dns(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Resolve each look-up to the next answer (the last one again); return the names that were asked for."""
    asked: list[str] = []

    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        if host[0].isdigit():
            return real(host, port, *rest, **options)
        asked.append(host)
        chosen = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in chosen]

    monkeypatch.setattr(http_client.socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.rule("NET-1")
def test_one_internal_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_dns(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    assert code(lambda: send("http://mixed.test/")) == "address_refused"


@pytest.mark.rule("NET-1")
def test_the_connection_goes_to_the_checked_address(monkeypatch: pytest.MonkeyPatch, server: int) -> None:
    connected: list[tuple[str, int]] = []
    real = socket.create_connection

    def connect(address: tuple[str, int], **kwargs: Any) -> socket.socket:
        connected.append(address)
        monkeypatch.undo()
        return real(("127.0.0.1", server), **kwargs)

    asked = fake_dns(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    monkeypatch.setattr(http_client.socket, "create_connection", connect)
    assert send(f"http://rebinding.test:{server}/", policy=HttpPolicy()).status == 200
    assert asked == ["rebinding.test"]
    assert connected == [("93.184.215.14", server)]
    assert Handler.seen[0]["headers"]["host"] == f"rebinding.test:{server}"


@pytest.mark.rule("NET-2")
def test_each_redirect_is_checked_again(monkeypatch: pytest.MonkeyPatch, server: int) -> None:
    policy = HttpPolicy(allow_hosts=frozenset({"start.test"}))
    fake_dns(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    assert code(lambda: send(f"http://start.test:{server}/to/302/http://metadata.test/", policy=policy)) == "address_refused"
    fake_dns(monkeypatch, ["127.0.0.1"])
    assert code(lambda: send(f"http://start.test:{server}/to/302/file:///etc/passwd", policy=policy)) == "invalid_url"


@pytest.mark.rule("NET-3")
def test_redirects_are_limited_and_degrade_to_get(server: int) -> None:
    base = f"http://127.0.0.1:{server}"
    headers = {"Content-Type": "text/plain", "Referer": "x", "Authorization": "secret"}
    assert send(f"{base}/to/302//end", method="POST", body=b"data", headers=headers).status == 200
    first, last = Handler.seen[-2:]
    assert (first["method"], last["method"]) == ("POST", "GET")
    assert "content-type" not in last["headers"]
    assert "referer" not in last["headers"]
    assert last["headers"]["authorization"] == "secret"
    assert send(f"{base}/to/307//end", method="POST", body=b"data").status == 200
    assert Handler.seen[-1]["body"] == b"data"
    assert send(f"{base}/to/302//end", follow_redirects=False).status == 302


@pytest.mark.rule("NET-3")
def test_a_redirect_loop_ends(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "urljoin", lambda base, _location: base)
    assert code(lambda: send(f"http://127.0.0.1:{server}/to/302/again")) == "too_many_redirects"
    assert len(Handler.seen) == 6


def test_credentials_stay_with_their_origin(server: int) -> None:
    url = f"http://user:p%40ss@127.0.0.1:{server}/to/302/http://localhost:{server}/other"
    policy = HttpPolicy(allow_hosts=frozenset({"localhost", "127.0.0.1"}))
    assert send(url, policy=policy, headers={"Cookie": "a=b"}).status == 200
    first, last = Handler.seen
    assert first["headers"]["authorization"] == "Basic dXNlcjpwQHNz"
    assert not {"authorization", "cookie"} & last["headers"].keys()


def test_the_body_is_capped(server: int) -> None:
    assert code(lambda: send(f"http://127.0.0.1:{server}/big")) == "body_too_large"


def test_a_dripping_server_is_cut_off(server: int) -> None:
    begin = time.monotonic()
    with pytest.raises(NodeError) as caught:
        send(f"http://127.0.0.1:{server}/drip", timeout=0.5)
    assert caught.value.code == "timeout"
    assert caught.value.retryable
    assert time.monotonic() - begin < 3


def test_nothing_listens() -> None:
    with pytest.raises(NodeError) as caught:
        send("http://127.0.0.1:1/")
    assert (caught.value.code, caught.value.retryable) == ("connection_failed", True)
    assert code(lambda: send("http://no-such-host.invalid/")) == "connection_failed"


@pytest.mark.parametrize("headers", [{"A\r\nB": "x"}, {"A": "x\r\nInjected: 1"}, {"A b": "x"}, {"": "x"}])
def test_headers_cannot_be_smuggled(server: int, headers: dict[str, str]) -> None:
    assert code(lambda: send(f"http://127.0.0.1:{server}/", headers=headers)) == "invalid_header"
    assert Handler.seen == []


def test_a_host_header_of_the_author_is_dropped(server: int) -> None:
    send(f"http://127.0.0.1:{server}/", headers={"Host": "internal", "User-Agent": "mine"})
    assert Handler.seen[0]["headers"]["host"] == f"127.0.0.1:{server}"
    assert Handler.seen[0]["headers"]["user-agent"] == "mine"


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.timezone.utc)
    built = (
        x509.CertificateBuilder(
            subject, subject, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


@pytest.mark.rule("NET-1")
def test_https_verifies_the_name_not_the_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path, "secure.test")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    Handler.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.socket = served.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(http_client, "_tls_context", lambda: ssl.create_default_context(cafile=str(cert)))
        fake_dns(monkeypatch, ["127.0.0.1"])
        port = running.server_address[1]
        assert send(f"https://secure.test:{port}/").body == b"xx"
        assert names == ["secure.test"]
        assert code(lambda: send(f"https://other.test:{port}/")) == "connection_failed"
        running.shutdown()
