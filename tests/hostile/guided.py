"""Coverage-guided fuzzing of what reads strangers' text: ``python -m tests.hostile.guided TARGET [--runs N]``.

It needs ``atheris`` (``pip install atheris``), which is no dependency: it is large, and works on Linux only. Each input that
takes two seconds or raises what is no refusal of ours ends the run and is written beside as ``crash-...``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable

MAX_SECONDS = 2.0


def targets() -> dict[str, Callable[[bytes], None]]:
    """What is fuzzed, by name; imported here, so that atheris can watch it."""
    from flowdrop_provider.document.exports import ExportSet, _collect
    from flowdrop_provider.document.parsing import parse
    from flowdrop_provider.errors import DocumentError, ExpressionError
    from flowdrop_provider.expressions import ENGINES, evaluate, extract_all, twig
    from flowdrop_provider.library.workshop import examine
    from flowdrop_provider.nodes.registry import shipped_catalogue

    context = {"a": [1, "x", {"b": None}], "loop": {"index": 1}}

    def read(name: str, data: bytes) -> None:
        with contextlib.suppress(DocumentError):
            found = ExportSet()
            _collect(found, parse(data, name), name, data)
            for loaded in found.workflows:
                examine(loaded, shipped_catalogue())

    def template(data: bytes) -> None:
        with contextlib.suppress(ExpressionError):
            twig.render(data.decode("utf-8", "replace"), context)

    def expression(data: bytes) -> None:
        text = data[1:].decode("utf-8", "replace")
        with contextlib.suppress(ExpressionError):
            evaluate(ENGINES[(data or b"\0")[0] % len(ENGINES)], text, context)
        with contextlib.suppress(ExpressionError):
            extract_all("jsonpath", text, context)

    return {
        "json": lambda data: read("a.json", data),
        "yaml": lambda data: read("a.yml", data),
        "template": template,
        "expression": expression,
    }


def main() -> int:
    """Fuzz one target and say how often it was tried."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=["json", "yaml", "template", "expression"])
    parser.add_argument("--runs", type=int, default=100_000)
    arguments = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("NOT FUZZED: atheris is not installed. Add it with: pip install atheris", file=sys.stderr)
        return 2
    import atheris

    with atheris.instrument_imports(include=["flowdrop_provider"]):
        target = targets()[arguments.target]
    tried, longest = 0, 0.0

    def once(data: bytes) -> None:
        nonlocal tried, longest
        begin = time.process_time()
        target(data)
        tried, longest = tried + 1, max(longest, time.process_time() - begin)
        if tried == arguments.runs:
            print(f"{arguments.target}: {tried} executions, longest {longest * 1e3:.0f} ms", flush=True)
        assert longest < MAX_SECONDS, f"{longest:.1f} s"

    atheris.Setup([sys.argv[0], f"-atheris_runs={arguments.runs}", "-max_len=2000", "-verbosity=0"], once)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
