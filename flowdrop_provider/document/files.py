"""Which files of a folder may hold FlowDrop exports; by name alone, nothing is opened."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "NODE_TYPE_FILE",
    "NODE_TYPE_GLOB",
    "TRIGGER_GLOB",
    "WORKFLOW_FILE",
    "export_files",
    "may_be_export",
    "node_types_beside",
]

#: How Drupal names the files of a configuration export.
WORKFLOW_FILE = "flowdrop_workflow.flowdrop_workflow."
NODE_TYPE_FILE = "flowdrop_node_type.flowdrop_node_type."
NODE_TYPE_GLOB = f"{NODE_TYPE_FILE}*.yml"
_TRIGGER_FILE = "flowdrop_trigger."
TRIGGER_GLOB = f"{_TRIGGER_FILE}*.*.yml"


def export_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold FlowDrop exports, sorted; hidden files and links out of it are left out."""
    root = folder.resolve()
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and may_be_export(file.name))
    return [file for file in files if not _hidden(file.relative_to(folder)) and file.resolve().is_relative_to(root)]


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def may_be_export(name: str) -> bool:
    """Return whether a file may be FlowDrop's: a configuration export has thousands of YAML files that are not."""
    if name.lower().endswith((".json", ".zip")):
        return True
    return name.lower().endswith((".yml", ".yaml")) and (
        WORKFLOW_FILE in name or NODE_TYPE_FILE in name or name.startswith(_TRIGGER_FILE) or name.count(".") == 1
    )


def node_types_beside(path: Path) -> Path | None:
    """Return the folder with a site's node types that belongs to exports at ``path``: the same, or ``node_types`` in it."""
    folder = path if path.is_dir() else path.parent
    for candidate in (folder, folder / "node_types"):
        if next(candidate.glob(NODE_TYPE_GLOB), None) is not None:
            return candidate
    return None
