"""Whatever a drawing or a server's redirect says, no node reaches an address that is not public."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes import http_client
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.registry import all_processors
from flowdrop_provider.nodes.world import HttpRequest, World
from tests.serving import QuietHandler, serving

SENDING = {"http_request": "url", "url_fetch": "url", "webhook": "url", "call_and_wait": "url"}

#: Spellings of addresses of this machine, its neighbours and its cloud; ``{port}`` is where something listens here.
HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0x0.0x0.0x1",
    "017700000001", "0177.0.0.1", "0177.0.0.0x1", "127.0.0.1.", "0", "0.0.0.0", "0x0", "00", "[::]", "[::1]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[64:ff9b:1:7f00:0:100:808:808]",
    "[64:ff9b:1:7f00:0:100::808:808]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::80ff:fffe]",
    "[fe80::1%25eth0]", "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[3fff::1]", "[5f00::1]",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::ffff:169.254.169.254]", "100.100.100.200",
    "192.0.0.192", "168.63.129.16", "[::ffff:168.63.129.16]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "192.88.99.1",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "localhost", "LOCALHOST", "localhost.", "internal.test", "metadata.test",
    "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "user:password@127.0.0.1", "public.test@127.0.0.1",
    "127.0.0.1#@public.test",
    "127.0.0.1?@public.test", "public.test:80@127.0.0.1", "127.0.0.1%00.public.test", "127.0.0.1%2epublic.test",
    "public.test\\@127.0.0.1", "127.0.0.1\t.public.test", "127.0.0.1\r\nHost: public.test"
]  # fmt: skip
SCHEMES = [
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/_GET", "ftp://127.0.0.1/", "dict://127.0.0.1:{port}/",
    "jar:http://127.0.0.1!/", "netdoc:///etc/passwd", "ldap://127.0.0.1:{port}/", "data:text/html,x",
    "unix:///var/run/docker.sock", "//127.0.0.1:{port}/", "http:/127.0.0.1", "http:127.0.0.1:{port}",
    "http:///127.0.0.1:{port}/", "http://[::1", "http://127.0.0.1:{port}:80/", "http://127.0.0.1:-1/"
]  # fmt: skip

#: What names resolve to here; no name server is asked.
NAMES = {
    "localhost": "127.0.0.1",
    "internal.test": "10.0.0.7",
    "metadata.test": "169.254.169.254",
    "public.test": "93.184.215.14",
}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A server on this machine that counts who comes, and names without a name server."""
    seen: list[str] = []
    tried: list[tuple[str, int]] = []
    real, connect = socket.getaddrinfo, socket.create_connection

    class Counting(QuietHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.give(200, b"internal")

        do_POST = do_PUT = do_HEAD = do_GET

    def resolve(host: str, port: Any, *_: Any, **__: Any) -> list[Any]:
        try:
            return real(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except OSError:
            address = NAMES.get(host.lower().rstrip("."))
            if address is None:
                raise
            return real(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)

    def connecting(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        tried.append(address)
        if address[0] == NAMES["public.test"]:
            raise OSError("not from here")
        return connect(address, *arguments, **options)

    with serving(Counting) as url:
        monkeypatch.setattr(http_client.socket, "getaddrinfo", resolve)
        monkeypatch.setattr(http_client.socket, "create_connection", connecting)
        yield {"port": url.rpartition(":")[2].strip("/"), "url": url, "seen": seen, "tried": tried}


def test_these_are_all_nodes_that_send() -> None:
    sending = {item.id for item in all_processors() if item.runs == "network" and "url" in item.node_type.parameters}
    assert sending == set(SENDING)


def test_no_spelling_of_an_internal_address_is_reached(here: dict[str, Any], figures: Callable[[str], None]) -> None:
    urls = [f"http://{host}:{here['port']}/x" for host in HOSTS] + [text.format(port=here["port"]) for text in SCHEMES]
    urls += [f"https://{host}:{here['port']}/x" for host in HOSTS[:10]]
    refused = 0
    for url in urls:
        for processor, port in SENDING.items():
            world = World(http=PinnedHttpClient(HttpPolicy()))
            try:
                outputs = process_node(processor, {port: url, "timeout": 2}, {}, world=world)
            except NodeError:
                refused += 1
            else:
                assert "internal" not in str(outputs), (processor, url)
    assert here["seen"] == []
    assert {address for address, _ in here["tried"]} <= {NAMES["public.test"]}
    figures(f"{len(urls)} addresses by {len(SENDING)} nodes: {refused} refused, the rest told as failures")
    assert refused > len(urls)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_to_an_internal_address(here: dict[str, Any], status: int) -> None:
    class Leading(QuietHandler):
        def do_GET(self) -> None:
            self.give(status, b"", Location=wanted)

        do_POST = do_GET

    with serving(Leading) as url:
        policy = HttpPolicy(allow_hosts=frozenset({"start.test"}))
        NAMES["start.test"] = "127.0.0.1"
        start = url.replace("127.0.0.1", "start.test")
        for host in HOSTS:
            wanted = f"http://{host}:{here['port']}/x".replace("\r", "").replace("\n", "")
            if not wanted.isascii():
                continue
            with pytest.raises(NodeError) as caught:
                PinnedHttpClient(policy).send(HttpRequest("GET", start, timeout=2))
            assert caught.value.code in {"address_refused", "invalid_url", "connection_failed", "too_many_redirects"}, wanted
    assert here["seen"] == []


def test_what_a_connection_added_stays_with_its_origin(here: dict[str, Any]) -> None:
    """A connection may carry a key in a header of any name; a redirect of its server must not hand it on."""
    got: list[dict[str, str]] = []

    class Other(QuietHandler):
        def do_GET(self) -> None:
            got.append({name.lower(): value for name, value in self.headers.items()})
            if self.path == "/start":
                self.give(302, b"", Location=f"{elsewhere}/end")
            else:
                self.give(200, b"")

    policy = HttpPolicy(allow_networks=("127.0.0.0/8",))
    headers = {"X-Api-Key": "the key", "Accept": "text/plain"}
    with serving(Other) as first, serving(Other) as elsewhere:
        for connection, expected in ((None, "the key"), ("conn", None)):
            request = HttpRequest("GET", f"{first}/start", headers=headers, connection_id=connection)
            assert PinnedHttpClient(policy).send(request).status == 200
            assert (got[-2]["x-api-key"], got[-1].get("x-api-key")) == ("the key", expected)
            assert got[-1]["accept"] == "text/plain"
