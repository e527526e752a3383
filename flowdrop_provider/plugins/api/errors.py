"""Refusals: one envelope, ``{success: false, error, error_code, code, ...}``, with codes that never change meaning (API-8).

``error_code`` is the specification's key, ``code`` the published OpenAPI document's; both carry the same value. ``error`` is
the sentence that FlowDrop's editor shows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError
from starlette.exceptions import HTTPException as StarletteHTTPException

from flowdrop_provider.errors import FlowDropError, LaunchError

__all__ = ["ApiError", "envelope", "install_handlers", "not_found"]

log = logging.getLogger("flowdrop.api")

#: Codes of refusals that nobody in this package phrased.
_BY_STATUS = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "BODY_TOO_LARGE",
    422: "VALIDATION_ERROR",
}
_GENERIC = "The server could not answer this request; its log says why."


class ApiError(Exception):
    """A refusal.

    :param status: HTTP status.
    :param code: stable upper-case code (API-8).
    :param message: one sentence for a person.
    :param details: findings or facts, JSON.
    :param headers: extra response headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Any] | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers


def not_found(what: str, name: str) -> ApiError:
    """Return the refusal of an unknown thing: 404 ``<WHAT>_NOT_FOUND``."""
    return ApiError(404, f"{what.upper()}_NOT_FOUND", f"There is no {what} {name[:120]!r}.")


def envelope(code: str, message: str, details: Any = None) -> dict[str, Any]:
    """Return the body of a refusal."""
    body: dict[str, Any] = {"success": False, "error": message, "error_code": code, "code": code}
    return body if details is None else {**body, "details": details}


def _answer(
    status: int, code: str, message: str, details: Any = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(envelope(code, message, details), status, headers=dict(headers or {}))


async def _on_api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class only
    return _answer(error.status, error.code, error.message, error.details, error.headers)


async def _on_flowdrop_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FlowDropError)  # noqa: S101
    findings = getattr(error, "findings", None) or [error.as_dict()]
    return _answer(422 if isinstance(error, LaunchError) else 400, error.code, error.message, findings)


async def _on_http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    text = error.detail if isinstance(error.detail, str) else _BY_STATUS.get(error.status_code, "ERROR")
    code = _BY_STATUS.get(error.status_code, "ERROR")
    return _answer(error.status_code, code, str(text), None, error.headers)


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    details = [{"locator": ".".join(map(str, item["loc"])), "message": item["msg"]} for item in error.errors()]
    first = details[0] if details else {"locator": "request", "message": "is not valid"}
    return _answer(422, "VALIDATION_ERROR", f"{first['locator']}: {first['message']}", jsonable_encoder(details))


async def _on_anything(_: Request, error: Exception) -> JSONResponse:
    # API-7: the reason stays in the log, whatever it says about tables or paths.
    log.error("A request failed.", exc_info=error)
    return _answer(500, "INTERNAL_ERROR", _GENERIC)


async def _on_database_error(request: Request, error: Exception) -> JSONResponse:
    missing = isinstance(error, OperationalError | ProgrammingError) and re.search(
        r"(relation|table)\W+flowdrop_|no such table: flowdrop_|\.flowdrop_\w+' doesn't exist", str(error.orig)
    )
    if missing:
        log.error("The tables of FlowDrop are missing: run 'airflow db migrate'.")
        return _answer(503, "TABLES_MISSING", "FlowDrop's tables are not in Airflow's database yet: run 'airflow db migrate'.")
    return await _on_anything(request, error)


def install_handlers(app: FastAPI) -> None:
    """Give every failure of the application the one envelope."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(FlowDropError, _on_flowdrop_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(StarletteHTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(SQLAlchemyError, _on_database_error)
    app.add_exception_handler(Exception, _on_anything)
