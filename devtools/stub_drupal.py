"""A stand-in for a Drupal site with FlowDrop and our module, for tests and for trying things out.

It answers as the recorded site does (status codes, wordings, the silences included) and can be slow, down, wrong, busy or in
maintenance. ``python -m devtools.stub_drupal --port 8899`` runs one by hand.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import secrets as random_secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flowdrop_provider.drupal.signing import SignatureError, verify

Json = dict[str, Any]
Processor = Callable[[Json], Json]

_FORBIDDEN = "The 'administer flowdrop' permission is required."
_JSON_API = "application/vnd.api+json"


@dataclass
class Answer:
    """A response: a JSON value, or text for what Drupal says in HTML."""

    status: int
    body: Any = None
    headers: Json = field(default_factory=dict)
    type: str = "application/json"


@dataclass
class Asked:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str

    @property
    def json(self) -> Any:
        """The body as JSON, ``None`` for something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class StubDrupal:
    """The site's state; a test changes it while the server runs.

    :ivar files: what ``drush config:export`` would write, by file name.
    :ivar processors: what runs in Drupal, by processor id.
    :ivar events: the callbacks received, in order; repeated deliveries once.
    :ivar repeated: how many deliveries were repeated.
    :ivar down: the connection is closed without an answer.
    :ivar lost: how many writing requests are still served without the answer reaching the client.
    :ivar delay: seconds before every answer.
    :ivar busy: how many requests still get a 503 with ``Retry-After: 0``.
    :ivar rubbish: what the export answers instead of JSON.
    """

    user: str = "airflow"
    password: str = "airflow-pass"
    secret: str = "0123456789abcdef0123456789abcdef"
    files: dict[str, str] = field(default_factory=dict)
    processors: dict[str, Processor] = field(default_factory=dict)
    entities: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    deliveries: set[str] = field(default_factory=set)
    results: dict[str, Json] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    failures: int = 0
    repeated: int = 0
    down: bool = False
    lost: int = 0
    delay: float = 0.0
    busy: int = 0
    maintenance: bool = False
    read_only: bool = False
    rubbish: str = ""
    module: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""

    @contextmanager
    def running(self, port: int = 0) -> Iterator[StubDrupal]:
        """Serve while the block runs."""
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def save(self, workflow: Json) -> None:
        """Save a workflow as a person does in the editor."""
        with self.lock:
            name = f"flowdrop_workflow.flowdrop_workflow.{workflow['id']}.yml"
            self.files[name] = json.dumps({"uuid": str(uuid.uuid4()), "status": True, **workflow}, indent=1)

    def workflows(self) -> list[Json]:
        """Return the saved workflows."""
        names = sorted(name for name in self.files if name.startswith("flowdrop_workflow."))
        return [json.loads(self.files[name]) for name in names]

    def answer(self, asked: Asked) -> Answer:
        """Return what the site answers."""
        with self.lock:
            self.requests.append(asked)
            if self.busy > 0:
                self.busy -= 1
                return Answer(503, {"message": "busy"}, {"Retry-After": "0"})
        if self.maintenance:
            return _maintenance(asked)
        for pattern, method, handle in _ROUTES:
            found = re.fullmatch(pattern, asked.path)
            if found and asked.method in method:
                return handle(self, asked, *found.groups())
        return Answer(404, _page("Page not found"), type="text/html") if "_format" not in asked.query else _not_found(asked)

    def account(self, asked: Asked) -> str:
        """Return ``cookie``, ``basic``, ``bearer`` or ``""`` for the anonymous user; wrong credentials are silence."""
        cookie = asked.headers.get("cookie", "")
        if any(session in cookie for session in self.sessions):
            return "cookie"
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Basic" and base64.b64decode(value).decode() == f"{self.user}:{self.password}" and self.failures < 5:
            return "basic"
        return "bearer" if scheme == "Bearer" and value in self.sessions else ""


def _page(title: str) -> str:
    return f"<!DOCTYPE html><html><head><title>{title} | Stub</title></head><body><h1>{title}</h1></body></html>"


def _not_found(asked: Asked) -> Answer:
    return Answer(404, {"message": f'No route found for "{asked.method} {asked.path}"'})


def _maintenance(asked: Asked) -> Answer:
    text = "Stub is currently under maintenance. We should be back shortly. Thank you for your patience."
    if asked.path.startswith("/jsonapi"):
        return _refused(503, "Service Unavailable", text, {"Retry-After": "0"})
    return Answer(503, _page("Site under maintenance"), {"Retry-After": "0"}, type="text/html")


def _refused(status: int, title: str, detail: str, headers: Json | None = None) -> Answer:
    error = {"title": title, "status": str(status), "detail": detail}
    return Answer(status, {"jsonapi": {"version": "1.0"}, "errors": [error]}, headers or {}, _JSON_API)


def _login(site: StubDrupal, asked: Asked) -> Answer:
    if asked.query.get("_format") != "json":
        return Answer(200, _page("Log in"), type="text/html")
    if site.failures >= 5:
        text = "Too many failed login attempts from your IP address. This IP address is temporarily blocked."
        return Answer(403, {"message": text})
    given = asked.json or {}
    if (given.get("name"), given.get("pass")) != (site.user, site.password):
        site.failures += 1
        return Answer(400, {"message": "Sorry, unrecognized username or password."})
    session = random_secrets.token_hex(16)
    site.sessions.add(session)
    body = {"current_user": {"uid": "2", "name": site.user}, "csrf_token": f"csrf-{session}", "logout_token": "bye"}
    cookie = f"SESS{'0' * 32}={session}; expires=Wed, 16 Dec 2026 06:00:22 GMT; Max-Age=2000000; path=/; HttpOnly"
    return Answer(200, body, {"Set-Cookie": cookie})


def _token(site: StubDrupal, asked: Asked) -> Answer:
    given = dict(parse_qsl(asked.body.decode()))
    if (given.get("client_id"), given.get("client_secret")) != ("client", site.password):
        return Answer(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    token = random_secrets.token_hex(16)
    site.sessions.add(token)
    return Answer(200, {"token_type": "Bearer", "expires_in": 300, "access_token": token})


def _login_status(site: StubDrupal, asked: Asked) -> Answer:
    return Answer(200, 1 if site.account(asked) == "cookie" else 0)


def _flowdrop(site: StubDrupal, asked: Asked, rest: str) -> Answer:
    if site.account(asked) != "cookie":
        text = "The used authentication method is not allowed on this route." if site.account(asked) else _FORBIDDEN
        if "_format" not in asked.query:
            return Answer(403, _page("Access denied"), type="text/html")
        return Answer(403, {"message": text})
    found = [_as_api(workflow) for workflow in site.workflows()]
    if rest == "workflows":
        limit, offset = min(100, max(1, int(asked.query.get("limit", 50)))), int(asked.query.get("offset", 0))
        page = found[offset : offset + limit]
        return Answer(200, {"success": True, "data": page, "message": f"Found {len(page)} workflows"})
    one = next((item for item in found if rest == f"workflows/{item['id']}"), None)
    if one is None:
        said = {"success": False, "error": "Failed to fetch workflow", "message": "Workflow not found"}
        return Answer(500, said)
    return Answer(200, {"success": True, "data": one, "message": "Workflow retrieved successfully"})


def _as_api(workflow: Json) -> Json:
    """Return a workflow as FlowDrop's API shows it: positions cut, empty maps as lists."""
    nodes = json.loads(json.dumps(workflow["nodes"]), object_hook=lambda value: value or [])
    for node in nodes:
        if isinstance(node.get("position"), dict):
            node["position"] = {axis: int(value) for axis, value in node["position"].items()}
    return {
        "id": workflow["id"],
        "name": workflow.get("name") or workflow.get("label"),
        "description": workflow.get("description", ""),
        "nodes": nodes,
        "edges": workflow.get("edges", []),
        "metadata": workflow.get("metadata") or [],
        "created": 1795400827,
        "changed": 1795400827,
        "uid": 0,
    }


def _json_api(site: StubDrupal, asked: Asked) -> Answer:
    links = {"links": {"me": {"meta": {"id": str(uuid.uuid4())}, "href": f"{site.url}/jsonapi/user/user/2"}}}
    meta = {"meta": links} if site.account(asked) else {}
    return Answer(200, {"jsonapi": {"version": "1.0"}, "data": [], **meta, "links": {}}, type=_JSON_API)


def _node_types(site: StubDrupal, asked: Asked) -> Answer:
    names = sorted(name for name in site.files if name.startswith("flowdrop_node_type."))
    found = [json.loads(site.files[name]) for name in names] if site.account(asked) else []
    data = [
        {"type": "flowdrop_node_type--flowdrop_node_type", "attributes": {"drupal_internal__id": item.pop("id"), **item}}
        for item in found
    ]
    return Answer(200, {"data": data, "links": {}}, type=_JSON_API)


def _collection(site: StubDrupal, asked: Asked, kind: str, bundle: str) -> Answer:
    if asked.method == "POST":
        refusal = _may_write(site, asked)
        return refusal or _created(site, asked.json["data"], kind, bundle)
    found = [item for item in site.entities.values() if item["type"] == f"{kind}--{bundle}"]
    number = asked.query.get("filter[drupal_internal__nid]")
    if number is not None:
        found = [item for item in found if str(item["attributes"]["drupal_internal__nid"]) == number]
    size, offset = min(50, int(asked.query.get("page[limit]", 50))), int(asked.query.get("page[offset]", 0))
    links = {"next": {"href": f"{site.url}{asked.path}?page"}} if offset + size < len(found) else {}
    return Answer(200, {"data": found[offset : offset + size], "links": links}, type=_JSON_API)


def _may_write(site: StubDrupal, asked: Asked) -> Answer | None:
    """Return the refusal in the order in which Drupal refuses."""
    if site.read_only:
        return _refused(405, "Method Not Allowed", "JSON:API is configured to accept only read operations.")
    if asked.headers.get("content-type", "").split(";")[0] != _JSON_API:
        return _refused(415, "Unsupported Media Type", "No route found that matches the content type.")
    account = site.account(asked)
    if not account:
        known = "authorization" in asked.headers
        return (
            _refused(403, "Forbidden", "")
            if known
            else _refused(401, "Unauthorized", "No authentication credentials provided.")
        )
    if account == "cookie" and not asked.headers.get("x-csrf-token", "").startswith("csrf-"):
        return _refused(403, "Forbidden", "X-CSRF-Token request header is missing")
    return None


def _created(site: StubDrupal, data: Json, kind: str, bundle: str) -> Answer:
    with site.lock:
        identity = data.get("id") or str(uuid.uuid4())
        if identity in site.entities:
            return _refused(409, "Conflict", "Conflict: Entity already exists.")
        if not data.get("attributes", {}).get("title"):
            return _refused(422, "Unprocessable Content", "title: This value should not be null.")
        number = len(site.entities) + 1
        own = {"drupal_internal__nid": number, "drupal_internal__vid": number, "created": "2026-11-23T02:27:32+00:00"}
        changed = {"changed": "2026-11-23T02:27:32+00:00"}
        entity = {"type": f"{kind}--{bundle}", "id": identity, "attributes": {**own, **changed, **data["attributes"]}}
        site.entities[identity] = entity
    return Answer(201, {"data": entity}, type=_JSON_API)


def _entity(site: StubDrupal, asked: Asked, kind: str, bundle: str, identity: str) -> Answer:
    entity = site.entities.get(identity)
    if entity is None:
        return _refused(404, "Not Found", f'The "entity" parameter was not converted for the path "/jsonapi/{kind}/{bundle}".')
    if asked.method == "PATCH":
        refusal = _may_write(site, asked)
        if refusal:
            return refusal
        entity["attributes"].update(asked.json["data"].get("attributes", {}))
    return Answer(200, {"data": entity}, type=_JSON_API)


def _module(site: StubDrupal, asked: Asked, rest: str) -> Answer:
    """The module's signed routes."""
    if not site.module:
        return Answer(404, _page("Page not found"), type="text/html")
    try:
        delivery = verify([site.secret], asked.method, asked.target, asked.headers, asked.body, now=int(time.time()))
    except SignatureError as error:
        return Answer(403, {"message": error.message})
    handlers = {"status": _status, "export": _export, "execute-node": _execute_node, "events": _event}
    handle = handlers.get(rest)
    return handle(site, asked, delivery) if handle else Answer(404, {"success": False, "error": "No such route."})


def _status(_site: StubDrupal, _asked: Asked, _delivery: str) -> Answer:
    return Answer(200, {"success": True, "module": "flowdrop_airflow", "version": "stub"})


def _export(site: StubDrupal, asked: Asked, _delivery: str) -> Answer:
    from flowdrop_provider.drupal.pulling import Pulled

    if site.rubbish:
        return Answer(200, site.rubbish, type="text/html")
    with site.lock:
        tag = f'"{Pulled({name: text.encode() for name, text in site.files.items()}, "").version}"'
        if asked.headers.get("if-none-match") == tag:
            return Answer(304, headers={"ETag": tag})
        return Answer(200, {"success": True, "files": dict(site.files)}, {"ETag": tag})


def _execute_node(site: StubDrupal, asked: Asked, _delivery: str) -> Answer:
    """Run a processor; a successful result is kept under its key, so that it is never worked out twice."""
    request = asked.json or {}
    key = str(request.get("idempotency_key"))
    with site.lock:
        if key in site.results:
            return Answer(200, {**site.results[key], "replayed": True})
    processor = site.processors.get(request.get("processor", ""))
    if processor is None:
        error = {
            "code": "processor_missing",
            "message": f"Drupal has no processor {request.get('processor')!r}.",
            "retryable": False,
        }
        return Answer(200, {"status": "error", "error": error})
    found = processor(request)
    if found.get("status", "success") == "success" and "status" not in found:
        found = {"status": "success", "output": found}
    if found["status"] == "success":
        with site.lock:
            site.results[key] = found
    return Answer(200, found)


def _event(site: StubDrupal, asked: Asked, delivery: str) -> Answer:
    with site.lock:
        if delivery in site.deliveries:
            site.repeated += 1
            return Answer(200, {"success": True, "duplicate": True})
        site.deliveries.add(delivery)
        site.events.append(asked.json)
    return Answer(200, {"success": True, "duplicate": False})


_ROUTES: list[tuple[str, tuple[str, ...], Callable[..., Answer]]] = [
    (r"/user/login", ("POST",), _login),
    (r"/user/login_status", ("GET",), _login_status),
    (r"/oauth/token", ("POST",), _token),
    (r"/api/flowdrop/(.+)", ("GET",), _flowdrop),
    (r"/api/flowdrop-airflow/(.+)", ("GET", "POST"), _module),
    (r"/jsonapi", ("GET",), _json_api),
    (r"/jsonapi/flowdrop_node_type/flowdrop_node_type", ("GET",), _node_types),
    (r"/jsonapi/(\w+)/(\w+)", ("GET", "POST"), _collection),
    (r"/jsonapi/(\w+)/(\w+)/([\w-]+)", ("GET", "PATCH"), _entity),
]


def _handler(site: StubDrupal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            time.sleep(site.delay)
            if site.down:
                self.close_connection = True
                return
            found = site.answer(Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body, self.path))
            if site.lost > 0 and self.command == "POST":
                site.lost -= 1
                self.close_connection = True
                return
            data = (
                b"" if found.status == 304 else (found.body if isinstance(found.body, str) else json.dumps(found.body)).encode()
            )
            self.send_response(found.status)
            self.send_header("Content-Type", found.type)
            for name, value in found.headers.items():
                self.send_header(name, str(value))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A stand-in for a Drupal site with FlowDrop.")
    parser.add_argument("--port", type=int, default=8899)
    arguments = parser.parse_args()
    with StubDrupal().running(arguments.port) as site:
        print(f"{site.url}  user {site.user}, password {site.password}, signing secret {site.secret}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
