"""Writing and receiving files, below the configured root."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import values
from flowdrop_provider.nodes._php.jsons import json_encode
from flowdrop_provider.nodes._php.texts import byte_length, encode, lower
from flowdrop_provider.nodes._php.values import compare, loose_equals, require, to_string, truthy
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.world import FileStore

__all__ = ["file_upload", "save_to_file"]

_MAX_NUMBERED = 10_000


def _given(params: Params, name: str, default: Any) -> Any:
    return default if params[name] is None else params[name]


def _text_to_write(kind: str, content: Any) -> str:
    text = json_encode(content, pretty=True) if kind == "json" else content
    return str(require("string", text, "The content"))


@processor(
    "save_to_file",
    label="Save to File",
    category="output",
    description="Writes a text, or data as JSON, to a file.",
    parameters=[
        param("content", connectable=True),
        param("filename", configurable=True, default="output.txt"),
        param("format", configurable=True, default="text"),
        param("append", configurable=True, default=False),
        param("directory", "string", configurable=True, default="public://flowdrop/"),
    ],
    outputs=[
        output("success", "boolean"),
        output("filename", "string"),
        output("filepath", "string"),
        output("bytes_written", "integer"),
        output("format", "string"),
        output("append", "boolean"),
    ],
    runs="files",
    side_effects=True,
    confirmation={"policy": "skip"},
    terminal=True,
)
def save_to_file(params: Params, context: NodeContext) -> Outputs:
    """Write the content and return where; a bad name is an error.

    A disk that refuses gives ``success: false``, and so does an empty directory, which means the disk's own root (measured).
    """
    filename, kind = _given(params, "filename", "output.txt"), _given(params, "format", "text")
    append, directory = _given(params, "append", False), _given(params, "directory", "public://flowdrop/")
    filepath = f"{directory.rstrip('/')}/{to_string(filename)}"
    text = _text_to_write(kind, params["content"] if truthy(params["content"]) else "")
    data, files = encode(text), context.world.require_files()
    written = _written(files, filepath, data, append=truthy(append)) if directory else None
    return {
        "success": written is not None,
        "filename": filename,
        "filepath": filepath,
        "bytes_written": written or 0,
        "format": kind,
        "append": append,
    }


def _written(files: FileStore, name: str, data: bytes, *, append: bool) -> int | None:
    try:
        files.write(name, data, append=append)
    except NodeError as error:
        if error.code == "file_not_written":
            return None
        raise
    return len(data)


class _RejectedError(Exception):
    """One uploaded file breaks a rule; the others go on."""


def _upload(entry: Any, params: dict[str, Any], files: FileStore) -> dict[str, Any]:
    """Store one file and describe it; raise :class:`_RejectedError` with the sentence FlowDrop reports."""
    name, content = _name_and_content(entry)
    extension = lower(name.rpartition(".")[2]) if "." in name else ""
    if not any(loose_equals(extension, allowed) for allowed in params["allowed"]):
        raise _RejectedError(f"File extension '{extension}' not allowed")
    size = byte_length(require("string", content, "The content of a file"))
    if compare(size, params["max_size"]) > 0:
        raise _RejectedError(f"File '{name}' exceeds maximum size")
    if not params["overwrite"]:
        name = _free_name(files, params["directory"], name, extension)
    filepath = params["directory"] + name
    files.write(filepath, encode(content))
    return {"filename": name, "filepath": filepath, "size": size, "extension": extension}


def _name_and_content(entry: Any) -> tuple[str, Any]:
    if not isinstance(entry, dict) or entry.get("name") is None or entry.get("content") is None:
        raise _RejectedError("Invalid file data format")
    name = require("string", entry["name"], "The name of a file")
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise _RejectedError(f"File name '{name}' not allowed")
    return name, entry["content"]


def _free_name(files: FileStore, directory: str, name: str, extension: str) -> str:
    """Return ``name``, numbered when a file of that name is there; the number brings a lower-cased extension (measured)."""
    stem = PurePosixPath(name).stem if not name.startswith(".") else name.rpartition(".")[0]
    candidate = name
    for number in range(1, _MAX_NUMBERED):
        if not files.exists(directory + candidate):
            return candidate
        candidate = f"{stem}_{number}.{extension}" if extension else f"{stem}_{number}"
    raise NodeError(f"There are too many files named {name!r}.", code="limit_exceeded")


def _upload_settings(params: Params, directory: str) -> dict[str, Any]:
    allowed = require("array", _given(params, "allowedExtensions", ["txt", "pdf", "doc", "docx"]), "The extensions")
    return {
        "allowed": values(allowed),
        "max_size": _given(params, "maxFileSize", 10485760),
        "overwrite": truthy(params["overwrite"]),
        "directory": f"{directory.rstrip('/')}/",
    }


@processor(
    "file_upload",
    label="File Upload",
    category="input",
    description="Stores files that a form or a request delivered.",
    parameters=[
        param("files", connectable=True, description="List of {name, content}."),
        param("directory", "string", configurable=True, default="public://flowdrop/uploads/"),
        param("allowedExtensions", configurable=True, default=["txt", "pdf", "doc", "docx"]),
        param("maxFileSize", configurable=True, default=10485760, description="Bytes."),
        param("overwrite", configurable=True, default=False),
    ],
    outputs=[
        output("uploaded_files", "array"),
        output("errors", "array"),
        output("directory", "string"),
        output("total_files", "integer"),
        output("total_errors", "integer"),
    ],
    runs="files",
    side_effects=True,
    confirmation={"policy": "skip"},
)
def file_upload(params: Params, context: NodeContext) -> Outputs:
    """Store each file that keeps the rules and list what the others broke (measured)."""
    files = context.world.require_files()
    directory = _given(params, "directory", "public://flowdrop/uploads/")
    settings = _upload_settings(params, directory)
    uploaded: list[dict[str, Any]] = []
    errors: list[str] = []
    for entry in values(params["files"]) if isinstance(params["files"], (list, dict)) else []:
        try:
            uploaded.append(_upload(entry, settings, files))
            directory = settings["directory"]
        except _RejectedError as rejected:
            errors.append(str(rejected))
    return {
        "uploaded_files": uploaded,
        "errors": errors,
        "directory": directory,
        "total_files": len(uploaded),
        "total_errors": len(errors),
    }
