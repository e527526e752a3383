from __future__ import annotations

import re
from pathlib import Path

import pytest

from devtools.hashes import FILE, known, lines, read_report

ROOT = Path(__file__).resolve().parents[2]


def test_a_report_of_pip_names_each_archive():
    archive = {"archive_info": {"hashes": {"sha256": "ab"}}, "url": "somewhere/lark.whl"}
    item = {"metadata": {"name": "Lark_Parser", "version": "1.2"}, "download_info": archive}

    assert read_report({"install": [item]}) == {"lark-parser==1.2": {"ab"}}


def test_a_pin_keeps_its_marker_and_gets_every_hash():
    hashes = {"lark==1": {"b", "a"}}

    assert lines(["# x", 'lark==1 ; python_version == "3.10"'], hashes) == [
        'lark==1 ; python_version == "3.10" \\\n    --hash=sha256:a \\\n    --hash=sha256:b'
    ]
    assert known("# x\n" + "\n".join(lines(['lark==1 ; python_version == "3.10"'], hashes))) == {"lark==1": {"a", "b"}}
    with pytest.raises(KeyError):
        lines(["lark==2"], hashes)


def pins(text):
    return [line.removesuffix(" \\") for line in text.splitlines() if line and not line.startswith((" ", "#"))]


def test_the_locked_file_holds_the_pins_and_their_hashes_and_nothing_else():
    text = FILE.read_text()
    shape = re.compile(r"#.*|[a-z0-9-]+==[^ ;]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")

    assert pins(text) == pins((ROOT / "constraints.txt").read_text()), "run python -m devtools.hashes"
    assert [line for line in text.splitlines() if not shape.fullmatch(line)] == []
    assert "://" not in text
    assert text.count("--hash=") > len(pins(text))
