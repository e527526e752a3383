"""Reading exports: a file, a folder, a ``config/sync`` directory or a zip of one, to workflows and node types.

One broken file is one problem beside the others, never the end of the reading: nobody's workflow vanishes because of a
neighbour's.
"""

from __future__ import annotations

import io
import json
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from flowdrop_provider.document.files import export_files, may_be_export
from flowdrop_provider.document.lines import line_finder
from flowdrop_provider.document.models import TriggerConfig, Workflow
from flowdrop_provider.document.node_type_files import is_node_type
from flowdrop_provider.document.normalise import BUNDLE_FORMAT, is_workflow, looks_like_bundle, read_trigger, read_workflow
from flowdrop_provider.document.parsing import MAX_BYTES, parse, parse_file
from flowdrop_provider.errors import DocumentError

__all__ = ["ExportSet", "LoadedWorkflow", "read_exports"]

#: Limits of a zip: its own bytes (Python reads the whole directory at once), entries, and total unpacked bytes.
MAX_ZIP_FILE_BYTES = 16 * 1024 * 1024
MAX_ZIP_ENTRIES = 10_000
MAX_ZIP_BYTES = 64 * 1024 * 1024

_SUFFIXES = (".json", ".yml", ".yaml")
#: What each entry of a zip's directory begins with.
_ZIP_ENTRY = b"PK\x01\x02"


@dataclass(frozen=True)
class LoadedWorkflow:
    """A workflow and where it came from; ``base`` is its place inside the file's envelopes."""

    workflow: Workflow
    path: str
    data: bytes
    base: tuple[str | int, ...] = ()

    def line_of(self, pointer: tuple[str | int, ...]) -> int | None:
        """Return the 1-based line of a place in the document, or ``None``."""
        return self._find_line(pointer)

    @cached_property
    def _find_line(self) -> Callable[[tuple[str | int, ...]], int | None]:
        """One finder for all findings: it composes the whole text."""
        return line_finder(self.data, self.base)


@dataclass
class ExportSet:
    """What was read: workflows, raw node types, triggers, problems by file, and files that are something else."""

    workflows: list[LoadedWorkflow] = field(default_factory=list)
    node_types: list[Mapping[str, Any]] = field(default_factory=list)
    triggers: list[TriggerConfig] = field(default_factory=list)
    problems: list[DocumentError] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_exports(path: Path) -> ExportSet:
    """Return everything FlowDrop found at ``path``.

    :param path: one file, a folder (read recursively; in a ``config/sync`` directory only FlowDrop's own files), or a zip.
    """
    found = ExportSet()
    for name, data in _contents(path, found):
        try:
            value = parse(data, name)
            _collect(found, value, name, data)
        except DocumentError as error:
            error.path = error.path or name
            found.problems.append(error)
    if not (found.workflows or found.node_types or found.triggers or found.problems):
        found.problems.append(_nothing(path))
    return found


def _nothing(path: Path) -> DocumentError:
    what = "There is no FlowDrop export in this folder or zip file."
    return DocumentError(
        what if path.is_dir() or path.suffix.lower() == ".zip" else "The file is no FlowDrop workflow.",
        code="DOC_NOT_A_WORKFLOW",
        path=str(path),
        hint="A workflow has 'nodes' and 'edges'; export it from FlowDrop or with drush config:export.",
    )


def _contents(path: Path, found: ExportSet) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in export_files(path):
            yield from _zip_or_file(file, found)
    elif path.exists():
        yield from _zip_or_file(path, found)
    else:
        found.problems.append(DocumentError("There is no such file or folder.", code="DOC_MISSING", path=str(path)))


def _zip_or_file(path: Path, found: ExportSet) -> Iterator[tuple[str, bytes]]:
    try:
        if path.suffix.lower() == ".zip":
            yield from _zip_members(path)
            return
        if path.stat().st_size > MAX_BYTES:
            parse_file(path)
        yield str(path), path.read_bytes()
    except DocumentError as error:
        found.problems.append(error)
    except OSError as error:
        problem = DocumentError(f"Cannot read the file: {error.strerror}.", code="DOC_UNREADABLE", path=str(path))
        found.problems.append(problem)


#: What zipfile raises on broken, encrypted or hostile archives.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, NotImplementedError, RuntimeError)


def _zip_members(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.stat().st_size > MAX_ZIP_FILE_BYTES:
        raise _zip_refused(path, f"The zip file has more than {MAX_ZIP_FILE_BYTES:,} bytes.")
    content = path.read_bytes()
    # Python reads the whole directory before anybody can count it: half a kilobyte of memory for 47 bytes of file.
    if content.count(_ZIP_ENTRY) > MAX_ZIP_ENTRIES:
        raise _zip_refused(path, f"The zip file has more than {MAX_ZIP_ENTRIES:,} entries.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_zip(path, members)
            for member in members:
                if may_be_export(PurePosixPath(member.filename).name) and member.filename.lower().endswith(_SUFFIXES):
                    yield f"{path}!{member.filename}", _read_member(archive, member)
    except _ZIP_ERRORS as error:
        raise DocumentError(f"Cannot read the zip file: {error}.", code="DOC_ZIP", path=str(path)) from error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        return stream.read(MAX_BYTES + 1)


def _zip_refused(path: Path, message: str) -> DocumentError:
    return DocumentError(message, code="DOC_ZIP", path=str(path), hint="Pack only the config/sync folder.")


def _check_zip(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_ZIP_ENTRIES:
        raise _zip_refused(path, f"The zip file has {len(members):,} entries; {MAX_ZIP_ENTRIES:,} are allowed.")
    if sum(member.file_size for member in members) > MAX_ZIP_BYTES:
        raise _zip_refused(path, f"The zip file unpacks to more than {MAX_ZIP_BYTES:,} bytes.")
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(member.external_attr >> 16):
            raise _zip_refused(path, f"The zip file names {member.filename[:80]!r}, which leads out of it.")


def _collect(found: ExportSet, value: Any, name: str, data: bytes, base: tuple[str | int, ...] = ()) -> None:
    if looks_like_bundle(value):
        _collect_bundle(found, value, name, data, base)
    elif is_workflow(value):
        found.workflows.append(LoadedWorkflow(_read(value, name, data, base), name, data, base))
    elif is_node_type(value):
        found.node_types.append(value)
    elif isinstance(value, Mapping) and "data" in value and ("success" in value or "message" in value):
        _collect(found, value["data"], name, data, (*base, "data"))
    elif isinstance(value, list) and value and all(is_workflow(item) or is_node_type(item) for item in value):
        for index, item in enumerate(value):
            _collect(found, item, name, data, (*base, index))
    elif isinstance(value, Mapping) and "workflow_id" in value and "event_type" in value:
        found.triggers.append(read_trigger(value))
    else:
        found.others.append(name)


def _read(value: Mapping[str, Any], name: str, data: bytes, base: tuple[str | int, ...]) -> Workflow:
    try:
        return read_workflow(value, path=name)
    except DocumentError as error:
        place = tuple(int(part) if part.isdecimal() else part for part in (error.locator or "").split("."))
        error.line = line_finder(data, base)(place)
        raise


def _collect_bundle(found: ExportSet, value: Any, name: str, data: bytes, base: tuple[str | int, ...]) -> None:
    payload = value.get("payload")
    if value.get("format") != BUNDLE_FORMAT or not isinstance(payload, Mapping) or not isinstance(payload.get("flow"), Mapping):
        raise DocumentError(
            f"The bundle format {json.dumps(value.get('format'))[:60]} is not supported.",
            code="DOC_BUNDLE_FORMAT",
            path=name,
            hint=f"Export it as {BUNDLE_FORMAT} with a payload.flow object.",
        )
    node_types = payload.get("node_types")
    for item in _values(node_types):
        if is_node_type(item):
            found.node_types.append(item)
    flow = {"nodes": [], "edges": [], **payload["flow"]}
    _collect(found, flow, name, data, (*base, "payload", "flow"))


def _values(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
