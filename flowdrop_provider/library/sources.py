"""Where the workflows of a DAG file come from, and how one of five hundred is found without reading the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowdrop_provider.document.files import (
    NODE_TYPE_FILE,
    NODE_TYPE_GLOB,
    TRIGGER_GLOB,
    WORKFLOW_FILE,
    export_files,
    node_types_beside,
)
from flowdrop_provider.errors import DocumentError, FlowDropError
from flowdrop_provider.library.cache import OutlineCache, content_key
from flowdrop_provider.library.outline import Outline

if TYPE_CHECKING:
    from flowdrop_provider.document.models import TriggerConfig
    from flowdrop_provider.engine.plan import Plan

__all__ = ["Library", "PlanSource", "Shelf"]


@dataclass(frozen=True)
class PlanSource:
    """Where a plan comes from; compiled when a node runs, once a process."""

    path: Path
    workflow_id: str
    node_types: Path | None
    strategy: str = ""

    @property
    def plan(self) -> Plan:
        """The compiled plan of the document as it lies there now."""
        return _compiled(self)

    def sibling(self, workflow_id: str) -> Plan | None:
        """Return the plan of another workflow that lies beside this one, ``None`` when there is none."""
        folder = self.path.parent
        found = Library(folder, self.node_types).one(lambda name: name == workflow_id, [workflow_id])
        return found.source.plan if found is not None and found.source is not None else None


@lru_cache(maxsize=64)
def _compiled(source: PlanSource) -> Plan:
    from flowdrop_provider.document.exports import read_exports
    from flowdrop_provider.engine.compile import compile_workflow
    from flowdrop_provider.library.workshop import catalogue_for

    exports = read_exports(source.path)
    found = next((item for item in exports.workflows if item.workflow.id == source.workflow_id), None)
    if found is None:
        raise next(iter(exports.problems), None) or DocumentError(
            f"The workflow {source.workflow_id!r} is no longer in this file.",
            code="DOC_MISSING",
            path=str(source.path),
            hint="The file was changed while the run was going on; start a new run.",
        )
    plan = compile_workflow(found.workflow, catalogue_for(source.path, exports.node_types, source.node_types))
    return replace(plan, strategy=source.strategy)


@dataclass(frozen=True)
class Shelf:
    """One workflow of the library: its outline and the source of its plan, or the error that refuses it."""

    path: Path
    outline: Outline | None = None
    source: PlanSource | None = None
    error: FlowDropError | None = None


@dataclass
class Library:
    """The workflows at a path.

    :param path: a file, a folder, a ``config/sync`` directory or a zip.
    :param node_types: folder of the site's node types; by default looked for beside the exports.
    :param cache: where outlines are kept.
    :param missing_processor: ``error`` refuses workflows whose processor nobody provides, ``warning`` lets them run until
        they reach it.
    :param fused: whether workflows that do not say otherwise run fused.
    """

    path: Path
    node_types: Path | None = None
    cache: OutlineCache = field(default_factory=lambda: OutlineCache(None))
    missing_processor: str = "error"
    fused: bool = False

    def all(self) -> Iterator[Shelf]:
        """Yield every workflow, refused ones included."""
        for file in self._files():
            yield from self._shelves(file)

    def one(self, wanted: Callable[[str], bool], guess: Iterable[str]) -> Shelf | None:
        """Return the workflow whose id is ``wanted``, opening as few files as possible.

        :param wanted: test of a workflow id.
        :param guess: likely workflow ids; a file named after one is tried first, then files that contain one as text.
        """
        names = list(guess)
        for file in self._likely(names):
            for shelf in self._shelves(file):
                if shelf.outline is not None and wanted(shelf.outline.workflow_id):
                    return shelf
        return None

    def _likely(self, names: list[str]) -> Iterator[Path]:
        if self.path.is_file():
            yield self.path
            return
        tried = set()
        for name in names:
            # A node may ask for a workflow by any text: it names a file here only if it is no path.
            if Path(name).name != name or "\0" in name:
                continue
            for candidate in (f"{name}.json", f"{WORKFLOW_FILE}{name}.yml", f"{name}.yml"):
                file = self.path / candidate
                if file.is_file():
                    tried.add(file)
                    yield file
        needles = [name.encode() for name in names]
        for file in self._files():
            if file not in tried and (file.suffix == ".zip" or any(needle in file.read_bytes() for needle in needles)):
                yield file

    def _files(self) -> list[Path]:
        if not self.path.is_dir():
            return [self.path]
        return [file for file in export_files(self.path) if NODE_TYPE_FILE not in file.name]

    def _shelves(self, file: Path) -> Iterator[Shelf]:
        try:
            place = "folder" if self._beside_others else "file"
            policy = f"{self.missing_processor} {place} {'fused' if self.fused else ''} {self._trigger_print}"
            key = content_key(file.read_bytes(), self._fingerprint, policy)
        except OSError as error:
            yield Shelf(file, error=DocumentError(f"Cannot read the file: {error.strerror}.", path=str(file)))
            return
        entries = self.cache.get(key)
        if entries is None:
            entries = self._examine(file)
            self.cache.put(key, entries)
        for entry in entries:
            yield self._shelf(file, entry)

    def _shelf(self, file: Path, entry: dict[str, Any]) -> Shelf:
        if "error" in entry:
            return Shelf(file, error=FlowDropError(path=str(file), **entry["error"]))
        outline = entry["outline"] if isinstance(entry["outline"], Outline) else Outline.from_data(entry["outline"])
        return Shelf(file, outline, PlanSource(file, outline.workflow_id, self._folder, outline.strategy))

    def _examine(self, file: Path) -> list[dict[str, Any]]:
        """Read, validate and compile a file; costly, so the imports are here and the result is kept."""
        from flowdrop_provider.engine.strategies import SEVERAL, UNKNOWN
        from flowdrop_provider.library.outline import outline_of
        from flowdrop_provider.library.workshop import examine_path, plan_or_raise, policy_with_expressions

        entries: list[dict[str, Any]] = []
        for verdict in examine_path(file, self._folder, policy_with_expressions(self.missing_processor), self._configured):
            if self._beside_others and [finding.code for finding in verdict.report.errors] == ["DOC_NOT_A_WORKFLOW"]:
                continue
            try:
                plan = plan_or_raise(verdict)
                remarks = [item.message for item in verdict.report.warnings if item.code in {SEVERAL, UNKNOWN}]
                outline = outline_of(verdict.workflow, plan, fused=self.fused, remarks=remarks, triggers=self._configured)
                entries.append({"outline": outline})
            except FlowDropError as error:
                entries.append({"error": error.as_dict()})
        return entries

    @cached_property
    def triggers(self) -> dict[str, list[tuple[str, str]]]:
        """Cron expression and time zone of the site's cron triggers that lie here, by workflow id."""
        if not self._configured:
            return {}
        from flowdrop_provider.library.schedules import trigger_schedules

        return {
            workflow_id: [(found.cron, found.timezone) for found in schedules if found.fires]
            for workflow_id, schedules in trigger_schedules(self._configured).items()
        }

    @cached_property
    def _trigger_files(self) -> list[Path]:
        return sorted(self.path.rglob(TRIGGER_GLOB)) if self.path.is_dir() else []

    @cached_property
    def _configured(self) -> list[TriggerConfig]:
        """The site's triggers that lie here."""
        if not self._trigger_files:
            return []
        from flowdrop_provider.document.exports import read_exports

        return [trigger for name in self._trigger_files for trigger in read_exports(name).triggers]

    @cached_property
    def _trigger_print(self) -> str:
        """A hash of the triggers: what is kept of a workflow depends on them."""
        if not self._trigger_files:
            return ""
        return hashlib.sha256(b"\n".join(file.read_bytes() for file in self._trigger_files)).hexdigest()

    @cached_property
    def _beside_others(self) -> bool:
        """Whether files that are something else may stand here: a configuration export has settings of its own."""
        return self.path.is_dir()

    @cached_property
    def _folder(self) -> Path | None:
        return self.node_types or node_types_beside(self.path)

    @cached_property
    def _fingerprint(self) -> str:
        """A hash of the site's node types: names, sizes and times, so that 200 files cost one listing."""
        if self._folder is None:
            return ""
        facts = [
            f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in sorted(self._folder.glob(NODE_TYPE_GLOB))
        ]
        return hashlib.sha256("\n".join(facts).encode("utf-8", "surrogateescape")).hexdigest()
