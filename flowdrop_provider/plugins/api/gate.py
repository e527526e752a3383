"""The gate before every writing route: origin, rate, content type, size, shape of the body (API-1, STORE-1).

A browser sends Airflow's session cookie along with requests that another site's page makes. FlowDrop's editor sends no CSRF
token, so what protects writing routes is the ``Origin`` of the request: the server's own, or one that the deployment listed in
``[api] access_control_allow_origins``. A request without ``Origin`` and without ``Sec-Fetch-Site`` comes from no browser.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from flowdrop_provider.document.parsing import MAX_BYTES, parse
from flowdrop_provider.errors import ConfigurationError, DocumentError
from flowdrop_provider.plugins.api.errors import ApiError, envelope
from flowdrop_provider.plugins.api.limiting import caller_of, seconds_to_wait

__all__ = ["BodyGate", "allowed_origin"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger("flowdrop.api")

_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class BodyGate:
    """ASGI middleware: refuses what no route may see, and hands the body on otherwise.

    :param app: the application behind the gate.
    :param origins: returns the origins of other hosts that may write, ``https://host[:port]`` each.
    """

    def __init__(self, app: Any, origins: Callable[[], list[str]]) -> None:
        self.app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope.get("query_string", b"")):
            # No name or value of ours has it, and PostgreSQL refuses to be asked for it.
            refused = envelope("REQUEST_MALFORMED", "The address holds a character U+0000.")
            await JSONResponse(refused, 400)(scope, receive, send)
            return
        if scope["type"] != "http" or scope["method"] not in _WRITING:
            await self.app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            self._check_origin(headers, scope)
            _check_rate(headers, scope)
            body = await _read(headers, receive)
            if body:
                # Eight mebibytes of JSON take long enough to hold up everybody else.
                await run_sync(_check_body, headers, body)
        except ConfigurationError as error:
            log.exception("A setting of this deployment is wrong.")
            await JSONResponse(envelope(error.code, error.message), 500)(scope, receive, send)
            return
        except ApiError as error:
            answer = JSONResponse(envelope(error.code, error.message, error.details), error.status, error.headers)
            await answer(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    def _check_origin(self, headers: Headers, scope: Scope) -> None:
        own = f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"
        if not allowed_origin(headers, own, self._origins()):
            raise ApiError(403, "ORIGIN_REFUSED", "Another site's page may not do this with your session.")


def _check_rate(headers: Headers, scope: Scope) -> None:
    wait = seconds_to_wait(caller_of(headers, scope.get("client")))
    if wait:
        raise ApiError(
            429,
            "RATE_LIMITED",
            f"Too many changes at once; go on in {math.ceil(wait)} s.",
            headers={"Retry-After": str(math.ceil(wait))},
        )


def allowed_origin(headers: Mapping[str, str], own: str, others: list[str]) -> bool:
    """Return whether a writing request may come from where it comes from.

    :param headers: request headers, looked up in lower case.
    :param own: this server's origin as the client addressed it.
    :param others: further origins that may write.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    # Behind a proxy that ends TLS the scheme differs, the host does not.
    same_host = urlsplit(origin).netloc.lower() == urlsplit(own).netloc.lower() != ""
    return same_host or origin.rstrip("/") in {other.rstrip("/") for other in others}


async def _read(headers: Headers, receive: Receive) -> bytes:
    announced = headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MAX_BYTES:
        raise _too_large()
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BYTES:
            raise _too_large()
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large() -> ApiError:
    return ApiError(413, "BODY_TOO_LARGE", f"The body has more than {MAX_BYTES:,} bytes.")


def _check_body(headers: Headers, body: bytes) -> None:
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        # A form of another site can send text and forms without asking first; JSON it cannot.
        raise ApiError(415, "CONTENT_TYPE", "Send the body as application/json.")
    try:
        value = parse(body, "body.json")
    except DocumentError as error:
        raise ApiError(400, "BODY_MALFORMED", error.message, details=[error.as_dict()]) from error
    if b"\\u0000" in body and "\\u0000" in json.dumps(value).replace("\\\\", ""):
        raise ApiError(400, "BODY_MALFORMED", "The body holds the character U+0000, which PostgreSQL cannot keep.")
    if not isinstance(value, dict | list):
        raise ApiError(400, "BODY_SHAPE", f"The body must be a JSON object or array, not {json.dumps(value)[:40]}.")


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
