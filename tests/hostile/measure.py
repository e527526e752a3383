"""What a hostile document costs and touches; ``python -m tests.hostile.measure FOLDER [NAME...]`` reads them in one process.

It does what the DAG processor does (a version of a bundle is written and its files are executed, the DAGs serialized), what a
start of a run does with the inputs, and what ``flowdrop validate`` and ``flowdrop run`` print. One JSON line a document:
seconds of CPU, megabytes above what the process had before, codes, and everything Python's audit hooks saw that no document
may bring about. The process ends itself when a document takes half a minute or two gigabytes.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import os
import re
import resource
import runpy
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flowdrop_provider.bundles.writing import write_version
from flowdrop_provider.cli import main as command
from tests.flows import chain
from tests.hostile.corpus import CANARY, Hostile, corpus

ROOT = Path(__file__).resolve().parents[2]
GOOD = "good_neighbour"
SECRET = "secret-of-this-process-77ab"

#: What no document may bring about, whatever it says.
_FORBIDDEN = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.", "socket.connect",
    "socket.getaddrinfo", "socket.gethost", "socket.sendto", "urllib.", "http.client.", "ftplib.", "shutil.rmtree", "os.kill",
    "ctypes.dlopen", "code.__new__")  # fmt: skip
_READABLE = (*map(os.path.realpath, (sys.prefix, sys.base_prefix, ROOT, "/usr/share/zoneinfo", "/proc/self")), "/dev/null")


class Watch:
    """Notes what happens while it is on; a hook cannot be taken away again."""

    def __init__(self, folder: Path) -> None:
        self.on = False
        self.seen: list[str] = []
        self._readable = (os.path.realpath(folder), *_READABLE)
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        self.on = False
        try:
            if event == "open" and not self._harmless(arguments[0]):
                self.seen.append(f"open {os.fsdecode(arguments[0])[:200]}")
            elif event.startswith(_FORBIDDEN) and not (event == "shutil.rmtree" and self._harmless(arguments[0])):
                self.seen.append(f"{event} {arguments!r:.200}")
        finally:
            self.on = True

    def _harmless(self, path: Any) -> bool:
        if isinstance(path, int):
            return True
        real = os.path.realpath(os.fsdecode(path))
        return real.startswith(self._readable) and "/outside" not in real


def megabytes(name: str) -> float:
    """A figure of this process's memory (``VmRSS``, ``VmHWM``)."""
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024


def as_the_processor_does(folder: Path, exports: Path) -> tuple[dict[str, Any], list[str]]:
    """The DAGs of a folder of exports, and what is said about the others."""

    def fill(documents: Path) -> Path:
        exports.rename(documents)
        return documents

    dags, said = {}, []
    write_version(folder / "versions", "one", fill, {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for file in sorted((folder / "versions" / "one").glob("*.py")):
            try:
                found = runpy.run_path(str(file))
                dags |= {name: value for name, value in found.items() if type(value).__name__ == "DAG"}
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
        said += [str(item.message) for item in caught]
    return dags, said


def as_a_start_does(dags: dict[str, Any]) -> list[str]:
    """What the DAGs look like to Airflow: serialized, read back, their inputs checked."""
    from airflow.serialization.serialized_objects import DagSerialization

    texts = []
    for dag in dags.values():
        if len(dag.params) > 100:
            # Airflow takes ten milliseconds for each.
            continue
        data = DagSerialization.to_dict(dag)
        texts.append(json.dumps(data, ensure_ascii=False))
        with contextlib.suppress(ValueError):
            DagSerialization.from_dict(json.loads(json.dumps(data))).params.validate()
    return texts


def as_a_person_does(documents: Path, runs: list[str]) -> str:
    """What the command line prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        command(["validate", str(documents)])
        for name in runs:
            command(["run", str(documents), "--workflow", name])
    return output.getvalue()


def measured(item: Hostile, folder: Path, watch: Watch) -> dict[str, Any]:
    """Read one document and say what it did."""
    exports, outside = folder / "exports", folder / "outside"
    outside.mkdir(parents=True)
    exports.mkdir()
    # Three folders up from where the documents lie when they are read.
    (outside / "secret.md").write_text(CANARY)
    (outside / "secret.json").write_text(json.dumps(chain("../../../outside/secret", 2, description=CANARY)))
    for name, data in {**item.files, f"{GOOD}.json": json.dumps(chain(GOOD, 2)).encode()}.items():
        (exports / name).parent.mkdir(parents=True, exist_ok=True)
        (exports / name).write_bytes(data)
    os.chdir(exports)
    gc.collect()
    # What earlier documents left free would hide what this one takes.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before, began = megabytes("VmRSS"), time.process_time()
    watch.on, watch.seen = True, []
    dags, said = as_the_processor_does(folder, exports)
    seconds, peak = time.process_time() - began, megabytes("VmHWM") - before
    texts = as_a_start_does({name: dag for name, dag in dags.items() if name != f"flowdrop_{GOOD}"})
    runs = [name for name in ("texts",) if item.shown and f"flowdrop_{name}" in dags]
    shown = as_a_person_does(folder / "versions" / "one" / "documents", runs) if item.shown else ""
    watch.on = False
    everything = "\n".join([*said, *texts, shown])
    return {
        "name": item.name,
        "seconds": round(seconds, 3),
        "in_all": round(time.process_time() - began, 3),
        "megabytes": round(peak, 1),
        "codes": sorted(set(re.findall(r"\[([A-Z][A-Z0-9_]{3,})(?: at |\])", "\n".join([*said, shown])))),
        "refused": [line[:300] for line in said],
        "good": f"flowdrop_{GOOD}" in dags,
        "files": len(item.files),
        "dags": len(dags) - 1,
        "ran": len(runs),
        "seen": watch.seen,
        "leaked": [word for word in (CANARY, SECRET, "root:x:", "uid=") if word in everything],
        "unprintable": sorted({char for char in "".join([*said, shown]) if char != "\n" and not shows(char)}),
        "documentation": [dag.doc_md or "" for dag in dags.values()],
    }


def shows(char: str) -> bool:
    """Whether a terminal shows a character and does nothing else with it."""
    return not (
        "\0" <= char < " "
        or "\x7f" <= char <= "\x9f"
        or char in "\u2028\u2029\u202e\u2066\u200f"
        or "\ud800" <= char <= "\udfff"
    )


def main(folder: Path, wanted: list[str], note: Callable[[str], Any]) -> None:
    """Measure the corpus, or those whose names begin with one of the wanted words."""
    os.environ["FLOWDROP_FILE_ROOT"] = str(folder / "files")
    os.environ["HOSTILE_SECRET"] = SECRET
    watch, documents = Watch(folder), [item for item in corpus() if item.name.startswith(tuple(wanted or [""]))]
    # What is imported at first use is no document's doing.
    measured(
        Hostile("warm", {"a.json": json.dumps(chain("texts", 3)).encode(), "b.yml": b"[", "c.zip": b""}), folder / "warm", watch
    )
    # Airflow's own million objects are nobody's garbage: to look through them takes half a second a document.
    gc.collect()
    gc.freeze()
    resource.setrlimit(resource.RLIMIT_AS, (int(megabytes("VmSize") + 2_048) << 20,) * 2)
    for number, item in enumerate(documents):
        limit = int(time.process_time()) + 30
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        note(json.dumps({"begins": item.name}))
        note(json.dumps(measured(item, folder / str(number), watch)))


def rows(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The documents' rows among the lines, and one for the document at which the process ended, if it did."""
    begun = None
    for line in lines:
        row = json.loads(line)
        begun = row.get("begins")
        if begun is None:
            yield row
    if begun is not None:
        yield {"name": begun, "ended": "the process"}


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w")

    def note(line: str) -> None:
        print(line, file=out, flush=True)

    main(Path(sys.argv[1]), sys.argv[2:], note)
