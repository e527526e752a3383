"""The file store's walls, and the nodes that write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.file_store import LocalFileStore
from flowdrop_provider.nodes.world import World


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "public://../../x",
        "a\0b",
        "",
        ".",
        "link/x",
        "file_link",
        "x" * 2000,
    ],
)
def test_names_cannot_leave_the_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s")
    (root / "link").symlink_to(outside)
    (root / "file_link").symlink_to(outside / "secret")
    store = LocalFileStore(root)
    for call in (lambda: store.write(name, b"x"), lambda: store.read(name), lambda: store.exists(name)):
        with pytest.raises(NodeError) as caught:
            call()
        assert caught.value.code == "path_refused"
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    assert (outside / "secret").read_text() == "s"


def test_wrappers_append_and_limits(tmp_path: Path) -> None:
    store = LocalFileStore(tmp_path, max_bytes=5)
    assert store.write("public://a/b.txt", b"12") == "public://a/b.txt"
    store.write("public://a/b.txt", b"345", append=True)
    assert (tmp_path / "public/a/b.txt").read_bytes() == b"12345"
    assert store.read("public/a/b.txt") == b"12345"
    for call in (lambda: store.write("x", b"123456"), lambda: store.write("public://a/b.txt", b"6", append=True)):
        with pytest.raises(NodeError) as caught:
            call()
        assert caught.value.code == "file_too_large"
    with pytest.raises(NodeError, match="There is no file"):
        store.read("nothing")


def run(node: str, root: Path, config: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    return process_node(node, config, inputs, world=World(files=LocalFileStore(root)))


def test_save_to_file_reports_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("a file where the folder should be")
    outputs = run("save_to_file", tmp_path, {}, content="x")
    assert (outputs["success"], outputs["bytes_written"]) == (False, 0)


@pytest.mark.parametrize("name", ["../a.txt", "a/b.txt", "..\\a.txt", "", "..", "a\0.txt"])
def test_file_upload_takes_plain_names_only(tmp_path: Path, name: str) -> None:
    outputs = run("file_upload", tmp_path, {}, files=[{"name": name, "content": "x"}, {"name": "ok.txt", "content": "y"}])
    assert outputs["errors"] == [f"File name '{name}' not allowed"]
    assert [entry["filename"] for entry in outputs["uploaded_files"]] == ["ok.txt"]


def test_file_nodes_need_a_root() -> None:
    with pytest.raises(NodeError) as caught:
        process_node("save_to_file", {}, {"content": "x"})
    assert caught.value.code == "service_unavailable"
