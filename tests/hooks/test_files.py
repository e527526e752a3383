"""Files in object storage: the same promises as on a disk."""

from __future__ import annotations

import pytest

from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from flowdrop_provider.hooks.files import ObjectFileStore
from flowdrop_provider.nodes.world import World


@pytest.fixture
def store(tmp_path):
    return ObjectFileStore(f"file://{tmp_path}/files", max_bytes=20)


def test_what_is_written_is_read_and_may_be_appended_to(store):
    assert store.write("public://notes/a.txt", b"one") == "public://notes/a.txt"
    store.write("public://notes/a.txt", b" two", append=True)

    assert store.exists("public://notes/a.txt")
    assert store.read("public/notes/a.txt") == b"one two"


@pytest.mark.parametrize("name", ["../a.txt", "/etc/passwd", "public://../../a.txt", "", ".", "a\0b"])
def test_a_name_cannot_leave_the_root(store, name):
    with pytest.raises(NodeError) as refused:
        store.write(name, b"x")
    assert refused.value.code == "path_refused"


def test_sizes_are_bounded_and_missing_files_are_said(store):
    with pytest.raises(NodeError) as large:
        store.write("a.txt", b"x" * 21)
    with pytest.raises(NodeError) as missing:
        store.read("nothing.txt")

    assert (large.value.code, missing.value.code) == ("file_too_large", "file_not_found")


def test_a_file_node_writes_there(tmp_path):
    world = World(files=ObjectFileStore(f"file://{tmp_path}/files"))
    done = process_node("save_to_file", {"filename": "out.txt"}, {"content": "kept"}, world=world)

    assert done["success"] is True
    assert [file.read_text() for file in (tmp_path / "files").rglob("out.txt")] == ["kept"]
