"""Nodes that send HTTP requests; the world's client does the sending and refuses internal addresses (NET-1..3)."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import entries
from flowdrop_provider.nodes._php.jsons import json_decode, json_encode
from flowdrop_provider.nodes._php.texts import encode, upper
from flowdrop_provider.nodes._php.values import is_numeric, require, to_float, to_string, truthy, type_error
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.world import HttpReply, HttpRequest

__all__ = ["http_request", "request_headers", "url_fetch", "webhook"]

#: The sites whose types were measured let requests pass without asking, and the older nodes know no gate (RT-GATE-15).
_NETWORK: dict[str, Any] = {"runs": "network", "side_effects": True, "confirmation": {"policy": "skip"}}
_WITH_BODY = ("POST", "PUT", "PATCH")
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9$\-_.+!*'(),{}|\\^~\[\]`<>#%\";/?:@&=]+")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|(?!-)[A-Za-z0-9_\-]{1,63}(?:\.[A-Za-z0-9_\-]{1,63})*\.?")
#: Failures that the "never raises" nodes report in their output; a refusal by policy always fails the node (NET-1).
_REPORTED = frozenset(
    {"connection_failed", "timeout", "bad_reply", "too_many_redirects", "body_too_large", "not_utf8", "invalid_url"}
)


def _given(params: Params, name: str, default: Any) -> Any:
    return default if params[name] is None else params[name]


def _seconds(value: Any) -> float:
    """Return a time-out; 0 means the deployment's longest, as cURL's "no time-out" (measured)."""
    if not is_numeric(value):
        raise type_error("The time-out", "a number of seconds", value)
    return max(0.0, to_float(value))


def request_headers(*sources: Any) -> dict[str, str]:
    """Merge header maps: later wins, names compare without case, numbers become texts, lists are joined (measured)."""
    merged: dict[str, tuple[str, str]] = {}
    for source in sources:
        for name, value in entries(require("array", source, "The headers")):
            values = value if isinstance(value, list) else [value]
            if any(isinstance(item, (list, dict)) for item in values):
                raise type_error(f"The header {name!r}", "a text", value)
            merged[str(name).lower()] = (str(name), ", ".join(to_string(item) for item in values))
    return dict(merged.values())


def _charset(headers: tuple[tuple[str, str], ...]) -> str:
    message = Message()
    message["Content-Type"] = next((value for name, value in headers if name.lower() == "content-type"), "")
    return str(message.get_content_charset() or "utf-8")


def body_text(reply: HttpReply) -> str:
    """Return the body as text by its declared character set; a binary body is a node-level error (ERR-6)."""
    try:
        return reply.body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        charset = _charset(reply.headers)
        if charset in ("utf-8", "utf8"):
            raise UnicodeError
        return reply.body.decode(charset)
    except (UnicodeError, LookupError):
        raise NodeError(f"The reply of {reply.url} is not text.", code="not_utf8") from None


def _body(reply: HttpReply, context: NodeContext) -> str:
    """Return the body as text; a binary one is kept as a file where the deployment says so, and its public path returned.

    The file is named by run, node and content, so that a retry writes it again instead of leaving two.
    """
    try:
        return body_text(reply)
    except NodeError:
        if not context.world.extras.get("keep_binary_bodies"):
            raise
    name = hashlib.sha256(b"\0".join([context.run_id.encode(), context.node_id.encode(), reply.body])).hexdigest()[:32]
    kind = next((value for name_, value in reply.headers if name_.lower() == "content-type"), "").partition(";")[0].strip()
    return context.world.require_files().write(f"http/{name}{mimetypes.guess_extension(kind) or '.bin'}", reply.body)


def valid_url(url: str) -> bool:
    """Return PHP's ``FILTER_VALIDATE_URL``: ASCII, a scheme, and for http(s) a host."""
    if not _URL_CHARACTERS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        bare = host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme in ("http", "https"):
        return _HOST.fullmatch(bare) is not None
    return bool(parts.scheme) and bool(parts.netloc or parts.path)


def _grouped(headers: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for name, value in headers:
        grouped.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    return grouped


def _request_body(method: str, body: Any) -> bytes | None:
    """Return the body to send: only for POST, PUT and PATCH, and not an empty one, which ``"0"`` counts as (measured)."""
    if method not in _WITH_BODY or not truthy(body):
        # Guzzle announces an empty body for these two methods only.
        return b"" if method in ("POST", "PUT") else None
    if isinstance(body, (list, dict)):
        raise type_error("The body", "a text", body)
    return encode(to_string(body))


@processor(
    "http_request",
    label="HTTP Request",
    category="network",
    description="Sends an HTTP request; a status of 400 or more fails the node.",
    parameters=[
        param("url", configurable=True, connectable=True, default="", title="URL"),
        param("method", "string", configurable=True, connectable=True, default="GET"),
        param("headers", configurable=True, connectable=True, default={}),
        param("body", configurable=True, connectable=True, default=""),
        param("timeout", configurable=True, default=30, description="Seconds, redirects included."),
        param("follow_redirects", configurable=True, default=True),
    ],
    outputs=[
        output("status_code", "integer"),
        output("headers", "object"),
        output("body", "string"),
        output("json"),
        output("url", "string"),
        output("method", "string"),
        output("request_time", "number"),
    ],
    **_NETWORK,
)
def http_request(params: Params, context: NodeContext) -> Outputs:
    """Return the reply; ``json`` is set when the header ``Content-Type``, spelled so, says JSON (measured).

    A binary body fails the node (ERR-6), or is kept below ``[flowdrop] file_root`` and ``body`` is its path, when the
    deployment says ``http_binary_bodies = keep``.
    """
    url = _given(params, "url", "")
    if not truthy(url):
        raise NodeError("No URL provided for HTTP request", code="missing_parameter")
    if not isinstance(url, str) or not valid_url(url):
        raise NodeError(f"Invalid URL provided: {to_string(url)}", code="invalid_url")
    method = upper(_given(params, "method", "GET"))
    request = HttpRequest(
        method=method,
        url=url,
        headers=request_headers(context.config.get("headers") or {}, _given(params, "headers", {})),
        body=_request_body(method, _given(params, "body", "")),
        timeout=_seconds(_given(params, "timeout", 30)),
        follow_redirects=truthy(_given(params, "follow_redirects", True)),
    )
    reply = context.world.require_http().send(request)
    _check_status(reply, method, url)
    headers, body = _grouped(reply.headers), _body(reply, context)
    is_json = "application/json" in headers.get("Content-Type", [""])[0]
    return {
        "status_code": reply.status,
        "headers": headers,
        "body": body,
        "json": json_decode(body) if is_json else None,
        "url": url,
        "method": method,
        "request_time": context.world.now().timestamp(),
    }


def _check_status(reply: HttpReply, method: str, url: str) -> None:
    """Raise for a status of 400 or more; one that says "later" or "server" may be retried (ERR-2)."""
    if reply.status < 400:
        return
    kind = "Client" if reply.status < 500 else "Server"
    raise NodeError(
        f"HTTP request failed: {kind} error: `{method} {url}` resulted in a `{reply.status} {reply.reason}` response",
        code="http_status",
        retryable=reply.status >= 500 or reply.status in (408, 425, 429),
        details={"status_code": reply.status, "body": reply.body[:2000].decode("utf-8", "replace")},
    )


def _fetched(request: HttpRequest, context: NodeContext, *, parse_json: bool) -> dict[str, Any]:
    try:
        reply = context.world.require_http().send(request)
        text = body_text(reply)
    except NodeError as error:
        return _not_fetched(error)
    parsed = json_decode(text) if parse_json else None
    return {
        "success": 200 <= reply.status < 300,
        "status_code": reply.status,
        "content": text if parsed is None else parsed,
        "raw_content": text,
        # The blocks of all hops in one map, later ones win (measured).
        "headers": dict(pair for block in (*reply.history, reply.headers) for pair in block),
        "error": "",
    }


def _not_fetched(error: NodeError) -> dict[str, Any]:
    if error.code not in _REPORTED:
        raise error
    return {"success": False, "status_code": 0, "content": "", "headers": {}, "error": error.message}


@processor(
    "url_fetch",
    label="URL Fetch",
    category="network",
    description="Fetches a URL and reports failures in its output instead of failing.",
    parameters=[
        param("url", configurable=True, connectable=True, default="", title="URL"),
        param("method", "string", configurable=True, default="GET"),
        param("headers", configurable=True, default={}),
        param("timeout", configurable=True, default=30),
        param("followRedirects", configurable=True, default=True),
        param("parseJson", configurable=True, default=False),
    ],
    outputs=[
        output("response", "object"),
        output("url", "string"),
        output("method", "string"),
        output("timeout", "number"),
        output("follow_redirects", "boolean"),
        output("parse_json", "boolean"),
    ],
    **_NETWORK,
)
def url_fetch(params: Params, context: NodeContext) -> Outputs:
    """Return ``response{success, status_code, content, raw_content, headers, error}``; an empty port means the author's URL."""
    url = params["url"] if truthy(params["url"]) else context.config.get("url") or ""
    method, timeout = _given(params, "method", "GET"), _given(params, "timeout", 30)
    follow, parse_json = _given(params, "followRedirects", True), _given(params, "parseJson", False)
    if not truthy(url):
        response = _not_fetched(NodeError("No URL provided", code="invalid_url"))
    else:
        request = HttpRequest(
            method=method,
            url=require("string", url, "The URL"),
            headers=request_headers(_given(params, "headers", {})),
            timeout=_seconds(timeout),
            follow_redirects=truthy(follow),
        )
        response = _fetched(request, context, parse_json=truthy(parse_json))
    return {
        "response": response,
        "url": url,
        "method": method,
        "timeout": timeout,
        "follow_redirects": follow,
        "parse_json": parse_json,
    }


def _delivered(request: HttpRequest, context: NodeContext) -> dict[str, Any]:
    try:
        reply = context.world.require_http().send(request)
        text = body_text(reply)
    except NodeError as error:
        if error.code not in _REPORTED:
            raise
        return {"success": False, "status_code": 0, "response_body": False, "error": error.message}
    return {"success": 200 <= reply.status < 300, "status_code": reply.status, "response_body": text, "error": ""}


def _with_json_body(payload: Any, headers: Mapping[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """Return the JSON body and the headers with its type and length, which replace the author's (measured)."""
    body = (json_encode(payload) or "").encode()
    return body, {**headers, "Content-Type": "application/json", "Content-Length": len(body)}


@processor(
    "webhook",
    label="Webhook",
    category="network",
    description="Sends data to a URL and reports failures in its output instead of failing.",
    parameters=[
        param("payload", connectable=True),
        param("url", configurable=True, default="", title="URL"),
        param("method", "string", configurable=True, default="POST"),
        param("headers", configurable=True, default={}),
        param("timeout", configurable=True, default=30),
    ],
    outputs=[
        output("response", "object"),
        output("url", "string"),
        output("method", "string"),
        output("payload"),
        output("headers", "object"),
    ],
    **_NETWORK,
)
def webhook(params: Params, context: NodeContext) -> Outputs:
    """Return ``response{success, status_code, response_body, error}``; redirects are not followed (measured)."""
    url, method = _given(params, "url", ""), _given(params, "method", "POST")
    payload = params["payload"] if truthy(params["payload"]) else []
    headers: dict[str, Any] = {str(k): v for k, v in entries(require("array", _given(params, "headers", {}), "The headers"))}
    body: bytes | None = None
    if not truthy(url):
        response = {"success": False, "status_code": 0, "response_body": "", "error": "No URL provided"}
    else:
        if method in _WITH_BODY:
            body, headers = _with_json_body(payload, headers)
        request = HttpRequest(
            method=method,
            url=require("string", url, "The URL"),
            headers=request_headers(headers),
            body=body,
            timeout=_seconds(_given(params, "timeout", 30)),
            follow_redirects=False,
        )
        response = _delivered(request, context)
    return {"response": response, "url": url, "method": method, "payload": payload, "headers": headers}
