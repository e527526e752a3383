"""Writing one version of a bundle: documents, loader files, and a file for each broken export."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowdrop_provider import conf
from flowdrop_provider.engine.naming import airflow_id
from flowdrop_provider.library.cache import OutlineCache
from flowdrop_provider.library.sources import Library, Shelf

__all__ = ["LOADER_SIZE", "BrokenExportError", "raise_broken_export", "switch_to", "write_broken", "write_version"]

#: Workflows a loader file builds; a file costs a process on the DAG processor, a workflow about two milliseconds.
LOADER_SIZE = 125

_LOADER = """# airflow dag loader, written by {writer}
from flowdrop_provider.dag_factory import build_airflow_dags

globals().update(
    build_airflow_dags(
        {documents!r}, node_types={node_types!r}, cache={outlines!r}, on_error="raise", only={only!r}, **{options!r}
    )
)
"""

# Nothing of an export stands here but one literal in ASCII: in a comment a file's name could end the line, or name an
# encoding that makes code of the rest.
_BROKEN = """# airflow dag import error, written by {writer}
from flowdrop_provider.bundles.folder import raise_broken_export

raise_broken_export({message!a})
"""


class BrokenExportError(Exception):
    """An export that breaks the rules; the message names file, line, place, reason and what to do."""


def raise_broken_export(message: str) -> None:
    """Raise the located error of a broken export; called by the files that the bundle writes."""
    raise BrokenExportError(message)


def write_version(
    versions: Path, version: str, fill: Callable[[Path], Path], options: dict[str, Any], *, problem: str = ""
) -> None:
    """Write a version beside its place and rename it, so that nobody sees half of it.

    :param versions: the folder of all versions.
    :param fill: puts the documents into the folder it is given and returns where they begin.
    :param options: passed to every DAG.
    :param problem: what is wrong with the source as a whole; becomes an import error of its own.
    """
    versions.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=versions, prefix=".writing-"))
    try:
        documents = fill(staging / "documents")
        _write_loaders(staging, versions / version, documents, options)
        if problem:
            write_broken(staging, "the site", problem)
        staging.chmod(0o755)
        staging.rename(versions / version)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def switch_to(folder: Path) -> None:
    """Make a version that was current before look new: the DAG processor parses changed files at once, others later."""
    for file in folder.glob("*.py"):
        file.touch()


def _write_loaders(staging: Path, final: Path, documents: Path, options: dict[str, Any]) -> None:
    """Write the loader files, the error files and the outlines of one version.

    Loaders name the final place of the documents, not the staging folder they are written in.
    """
    fused = options.get("fused")
    library = Library(
        documents,
        cache=OutlineCache(staging / "outlines"),
        missing_processor=conf.missing_processor(),
        # As the loader files will ask: the outlines kept here are theirs.
        fused=conf.fused() if fused is None else fused,
    )
    shelves = list(library.all())
    place = final / documents.relative_to(staging)
    good = [shelf.outline.workflow_id for shelf in shelves if shelf.outline is not None]
    for number, start in enumerate(range(0, len(good), LOADER_SIZE), start=1):
        text = _LOADER.format(
            writer="flowdrop_provider",
            documents=str(place),
            node_types=str(place.parent / "documents" / "node_types") if (documents / "node_types").is_dir() else None,
            outlines=str(final / "outlines"),
            only=good[start : start + LOADER_SIZE],
            options=options,
        )
        (staging / f"flowdrop_loader_{number}.py").write_text(text, encoding="utf-8")
    for shelf in shelves:
        if shelf.outline is None:
            _write_shelf(staging, documents, shelf)


def _write_shelf(staging: Path, documents: Path, shelf: Shelf) -> None:
    root = documents if documents.is_dir() else documents.parent
    name = str(shelf.path.relative_to(root)) if shelf.path.is_relative_to(root) else shelf.path.name
    if shelf.error is not None:
        shelf.error.path = name
    write_broken(staging, name, str(shelf.error))


def write_broken(folder: Path, name: str, message: str) -> None:
    """Write a file that raises ``message``, so that Airflow shows it as an import error of its own."""
    slug = airflow_id(name.replace("/", "__").replace(" ", "_")).replace(".", "_")
    if not slug.isascii():
        # A name in another script may have more bytes than a file system takes.
        slug = airflow_id(f"{slug.encode('ascii', 'ignore').decode()} {name}").replace(".", "_")
        slug = slug.encode("ascii", "ignore").decode()
    text = _BROKEN.format(writer="flowdrop_provider", message=message)
    (folder / f"flowdrop_broken__{slug}.py").write_text(text, encoding="utf-8")
