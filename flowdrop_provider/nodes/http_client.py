"""The default HTTP client: resolves once, refuses internal addresses, and talks to exactly the address it checked.

A workflow's author chooses the URL, and a server chooses where it redirects to; neither may reach the deployment's own
network (NET-1..3). The name is resolved once, every address is checked, and the connection is made to a checked address
with the name kept for ``Host``, SNI and the certificate, so a name that resolves differently a moment later gains nothing.
A timer closes the socket at the deadline, so a server that drips bytes cannot hold a worker. The environment's proxies are
not used, since a proxy would resolve the name again.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import HttpReply, HttpRequest

__all__ = ["HttpPolicy", "PinnedHttpClient", "check_address"]

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
#: Headers of a request with a connection that may go to another origin: any other may be the connection's secret.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})
_BODY_HEADERS = frozenset({"content-length", "content-type", "transfer-encoding"})
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "referer"})
#: Prefixes whose last 32 bits are an IPv4 address that a gateway forwards to (RFC 6052).
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"),)
#: Not public, whatever this Python's ``ipaddress`` knows of them: protocol assignments (a cloud's metadata among them), 6to4
#: relays, Azure's host agent, site-local, documentation, segment routing, and NAT64 within a site, whose layout is the site's.
_INTERNAL = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16", "fec0::/10", "3fff::/20", "5f00::/16", "64:ff9b:1::/48"),
    )
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """What the deployment allows beyond public addresses.

    :ivar allow_hosts: lower-case host names whose addresses are not checked.
    :ivar allow_networks: CIDR blocks that count as public (``10.1.0.0/16``).
    :ivar max_body: bytes of a reply's body; a longer one is a node-level error.
    :ivar max_timeout: seconds a request may take at most, redirects included.
    :ivar max_redirects: redirects followed at most (NET-3).
    """

    allow_hosts: frozenset[str] = frozenset()
    allow_networks: tuple[str, ...] = ()
    max_body: int = 10_000_000
    max_timeout: float = 300.0
    max_redirects: int = 5


class PinnedHttpClient:
    """Implements :class:`~flowdrop_provider.nodes.world.HttpClient` (see the module docstring)."""

    def __init__(self, policy: HttpPolicy | None = None) -> None:
        self._policy = policy or HttpPolicy()

    def send(self, request: HttpRequest) -> HttpReply:
        """Return the reply of any status.

        :raises NodeError: ``invalid_url``, ``invalid_header``, ``address_refused``, ``too_many_redirects``,
            ``body_too_large``; retryable: ``connection_failed``, ``timeout``, ``bad_reply``.
        """
        limit = request.timeout if request.timeout > 0 else self._policy.max_timeout
        deadline = _Deadline(min(limit, self._policy.max_timeout))
        hop = _first_hop(request)
        history: list[tuple[tuple[str, str], ...]] = []
        for _ in range(min(request.max_redirects, self._policy.max_redirects) + 1):
            reply = self._exchange(hop, deadline, follow=request.follow_redirects)
            location = _header(reply.headers, "location")
            if not (request.follow_redirects and reply.status in _REDIRECTS and location):
                return replace(reply, history=tuple(history))
            history.append(reply.headers)
            hop = _next_hop(hop, reply.status, location, connection=request.connection_id is not None)
        message = f"Maximum ({min(request.max_redirects, self._policy.max_redirects)}) redirects followed"
        raise NodeError(message, code="too_many_redirects")

    def _exchange(self, hop: _Hop, deadline: _Deadline, *, follow: bool) -> HttpReply:
        addresses = self._resolve(hop.host, hop.port)
        connection = http.client.HTTPConnection(hop.host, hop.port)
        try:
            with _network_errors(hop, deadline), deadline.guarding(_connect(addresses, hop, deadline)) as channel:
                connection.sock = channel
                _write(connection, hop)
                response = connection.getresponse()
                headers = tuple(response.getheaders())
                skip_body = follow and response.status in _REDIRECTS
                body = b"" if skip_body else self._read(response, deadline)
                if deadline.expired:
                    # A socket shut down while headers arrive looks like a complete, empty reply.
                    raise deadline.error()
                return HttpReply(response.status, response.reason or "", headers, body, hop.url)
        finally:
            connection.close()

    def _resolve(self, host: str, port: int) -> list[IPAddress]:
        """Return the addresses of a host, IPv4 and IPv6; one refused address refuses the host."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NodeError(f"Could not resolve host: {host}", code="connection_failed", retryable=True) from error
        addresses = list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
        if host not in self._policy.allow_hosts:
            for address in addresses:
                check_address(address, self._policy, host)
        return addresses

    def _read(self, response: http.client.HTTPResponse, deadline: _Deadline) -> bytes:
        body = bytearray()
        while chunk := response.read(_CHUNK):
            body += chunk
            deadline.received = len(body)
            if len(body) > self._policy.max_body:
                message = f"The reply is larger than {self._policy.max_body} bytes."
                raise NodeError(message, code="body_too_large")
        return bytes(body)


def check_address(address: IPAddress, policy: HttpPolicy, host: str = "") -> None:
    """Refuse an address that is not public, unless the policy names its network (NET-1).

    :raises NodeError: ``address_refused``.
    """
    if any(address in network for network in _networks(policy.allow_networks) if network.version == address.version):
        return
    inner = _embedded(address)
    if inner is not None:
        check_address(inner, policy, host)
    elif not _is_public(address):
        raise NodeError(
            f"The address of {host or address} is internal and may not be reached.",
            code="address_refused",
            hint="An operator can allow the host or its network in the deployment's settings.",
        )


def _is_public(address: IPAddress) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _INTERNAL if network.version == address.version)


@lru_cache(maxsize=32)
def _networks(names: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)


def _embedded(address: IPAddress) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


class _Deadline:
    """The moment the whole request ends, and the timer that enforces it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.started = time.monotonic()
        self.expired = False
        self.received = 0

    def remaining(self) -> float:
        """Return the seconds left, at least a millisecond so that a socket call times out instead of blocking."""
        return max(0.001, self.started + self.seconds - time.monotonic())

    @contextmanager
    def guarding(self, channel: socket.socket) -> Iterator[socket.socket]:
        """Shut the socket down at the deadline, whatever is being read or written then."""

        def close() -> None:
            self.expired = True
            try:
                channel.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

        timer = threading.Timer(self.remaining(), close)
        timer.daemon = True
        timer.start()
        try:
            if isinstance(channel, ssl.SSLSocket):
                channel.do_handshake()
            yield channel
        finally:
            timer.cancel()
            channel.close()

    def error(self) -> NodeError:
        """Return the node-level error of a request that ran out of time."""
        elapsed = round((time.monotonic() - self.started) * 1000)
        message = f"Operation timed out after {elapsed} milliseconds with {self.received} bytes received"
        return NodeError(message, code="timeout", retryable=True)


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request on the wire."""

    method: str
    url: str
    scheme: str
    host: str
    port: int
    target: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.scheme == "https" else 80) else f"{name}:{self.port}"


def _first_hop(request: HttpRequest) -> _Hop:
    parts = _split(request.url)
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
    if parts.username and not any(name.lower() == "authorization" for name in headers):
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return _hop(request.method, parts, headers, request.body)


def _next_hop(hop: _Hop, status: int, location: str, *, connection: bool) -> _Hop:
    """Return the request a redirect asks for: a POST becomes a GET, credentials and referrer stay behind (NET-3).

    :param connection: whether headers of a connection are in it, which may be credentials under any name.
    """
    parts = _split(location, base=hop.url)
    keeps_body = status in (307, 308)
    method, body, headers = hop.method, hop.body, dict(hop.headers)
    if not keeps_body and method not in ("GET", "HEAD"):
        method = "GET"
    if method == "GET" and hop.method != "GET":
        body = None
        headers = {name: value for name, value in headers.items() if name.lower() not in _BODY_HEADERS}
    following = _hop(method, parts, headers, body)
    if following.origin != hop.origin:
        kept = {
            name: value
            for name, value in headers.items()
            if (name.lower() in _HARMLESS if connection else name.lower() not in _CREDENTIALS)
        }
        following = _hop(method, parts, kept, body)
    return following


def _split(url: str, base: str = "") -> SplitResult:
    """Return the URL's parts; anything but http(s) with a host, and any white space, is refused.

    :param base: what a relative one is relative to.
    """
    try:
        url = urljoin(base, url) if base else url
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        raise _bad_url() from None
    if any(letter <= " " or letter == "\x7f" or letter == "\\" for letter in url) or not port_is_number:
        raise _bad_url()
    if parts.scheme not in ("http", "https"):
        message = f'Protocol "{parts.scheme}" not supported' if parts.scheme else _bad_url().message
        raise NodeError(message, code="invalid_url", hint="Only http and https are allowed.")
    if not parts.hostname:
        raise _bad_url()
    return parts


def _bad_url() -> NodeError:
    return NodeError("URL using bad/illegal format or missing URL", code="invalid_url")


def _hop(method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes | None) -> _Hop:
    try:
        host = (parts.hostname or "").encode("idna").decode() if not (parts.hostname or "").isascii() else parts.hostname
    except UnicodeError:
        raise _bad_url() from None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._|^[]{}\"<>`")
    if parts.query:
        target += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._|^[]{}\"<>`")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    return _Hop(method, bare, parts.scheme, host or "", port, target, headers, body)


def _connect(addresses: list[IPAddress], hop: _Hop, deadline: _Deadline) -> socket.socket:
    """Connect to the first checked address that answers; for https, start TLS for the *name*."""
    failure: OSError | None = None
    for address in addresses:
        try:
            channel = socket.create_connection((str(address), hop.port), timeout=deadline.remaining())
        except OSError as error:
            failure = error
            continue
        if hop.scheme == "http":
            return channel
        return _tls_context().wrap_socket(channel, server_hostname=hop.host, do_handshake_on_connect=False)
    raise failure or OSError("no address")


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _write(connection: http.client.HTTPConnection, hop: _Hop) -> None:
    try:
        connection.putrequest(hop.method, hop.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", hop.host_header)
        names = {name.lower() for name in hop.headers}
        for name, value in {"User-Agent": "FlowDrop", "Accept": "*/*"}.items():
            if name.lower() not in names:
                connection.putheader(name, value)
        for name, value in hop.headers.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"Invalid header name {name!r}")
            connection.putheader(name, value.encode())
        if hop.body is not None:
            connection.putheader("Content-Length", str(len(hop.body)))
    except (ValueError, http.client.HTTPException) as error:
        raise NodeError(f"The request cannot be sent: {error}.", code="invalid_header") from error
    connection.endheaders(hop.body)


@contextmanager
def _network_errors(hop: _Hop, deadline: _Deadline) -> Iterator[None]:
    """Turn what the network raises into node-level errors that may be retried."""
    try:
        yield
    except ssl.SSLError as error:
        if deadline.expired:
            raise deadline.error() from error
        message = f"The secure connection to {hop.host} failed: {error.reason or error}."
        raise NodeError(message, code="connection_failed", retryable=True) from error
    except TimeoutError as error:
        raise deadline.error() from error
    except (OSError, http.client.HTTPException) as error:
        if deadline.expired:
            raise deadline.error() from error
        raise _failure(error, hop, deadline) from error


def _failure(error: Exception, hop: _Hop, deadline: _Deadline) -> NodeError:
    if isinstance(error, http.client.HTTPException | ConnectionResetError):
        message = f"The reply of {hop.host} is broken: {type(error).__name__}."
        return NodeError(message, code="bad_reply", retryable=True)
    elapsed = round((time.monotonic() - deadline.started) * 1000)
    message = f"Failed to connect to {hop.host} port {hop.port} after {elapsed} ms: Couldn't connect to server"
    return NodeError(message, code="connection_failed", retryable=True)


def _header(headers: tuple[tuple[str, str], ...], wanted: str) -> str:
    return next((value for name, value in headers if name.lower() == wanted), "")
