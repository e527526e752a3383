"""Write docs/nodes.md and a page for each node: ``python -m devtools.node_docs`` (``--check`` only compares)."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devtools.node_examples import Example, load_examples, run_example
from flowdrop_provider.document.node_types import Output, Parameter
from flowdrop_provider.nodes.api import Processor
from flowdrop_provider.nodes.registry import all_processors

__all__ = ["pages", "stale"]

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TESTS = ROOT / "tests" / "nodes"
_MEASURED = TESTS / "golden" / "measured.txt"
_RUNS = {
    "python": "in the worker, pure Python",
    "network": "in the worker, over HTTP",
    "files": "in the worker, below the file root",
    "store": "in the worker, with the memory store",
    "person": "waits for a person",
    "time": "waits for a time",
    "workflow": "starts or calls other nodes or workflows",
    "model": "in the worker, with the deployment's AI model",
    "drupal": "in the worker, through the Drupal site's JSON:API",
    "loop": "in the engine's loop",
    "state": "in the worker, with the run's state",
    "none": "documentation or wiring only; no task",
}
_HEADER = "<!-- Written by `python -m devtools.node_docs` from the declarations and devtools/node_examples.toml. -->"
_ROLE = re.compile(r":(?:class|func|data|meth|mod):`~?([^`]*)`")


def _own() -> list[Processor]:
    return [item for item in all_processors() if item.function.__module__.startswith("flowdrop_provider.")]


def pages() -> dict[Path, str]:
    """Return every page by its path."""
    examples, proofs = load_examples(), _proofs()
    found = {DOCS / "nodes" / f"{item.id}.md": _page(item, examples[item.id], proofs[item.id]) for item in _own()}
    return {DOCS / "nodes.md": _table(proofs), **found}


def stale() -> list[str]:
    """Return what the pages on disk lack, have too much or say otherwise, as paths below the project."""
    wanted = pages()
    present = {DOCS / "nodes.md", *(DOCS / "nodes").glob("*.md")}
    differing = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    return sorted(str(path.relative_to(ROOT)) for path in {*differing, *(present - set(wanted))})


def _proofs() -> dict[str, list[str]]:
    """Return the test files that name each node, and the vectors where its behaviour was measured."""
    texts = {path.name: path.read_text() for path in sorted(TESTS.glob("test_*.py"))}
    measured = set(_MEASURED.read_text().split())
    proofs: dict[str, list[str]] = {}
    for item in _own():
        names = (item.id, item.node_type.id, *item.aliases)
        called = re.compile(rf'[(\[]\s*"({"|".join(map(re.escape, names))})"[,)\]]')
        files = [name for name, text in texts.items() if called.search(text)]
        golden = ["vectors measured on FlowDrop"] if measured & set(names) else []
        fuzzed = ["fuzzed"] if item.pure else []
        proofs[item.id] = [*golden, *fuzzed, *files]
    return proofs


def _table(proofs: dict[str, list[str]]) -> str:
    lines = [
        "# Nodes",
        "",
        _HEADER,
        "",
        f"{len(_own())} nodes of both FlowDrop generations. `flowdrop nodes` lists those of an installation, third-party ones",
        "too.",
        "",
        "| node | category | where it runs | what proves it |",
        "|---|---|---|---|",
    ]
    for item in sorted(_own(), key=lambda item: (item.node_type.category, item.id)):
        proof = ", ".join(f"`{word}`" if word.endswith(".py") else word for word in proofs[item.id])
        row = f"[{item.node_type.label}](nodes/{item.id}.md) `{item.node_type.id}`"
        lines.append(f"| {row} | {item.node_type.category} | {_RUNS[item.runs]} | {proof} |")
    return "\n".join(lines) + "\n"


def _page(item: Processor, example: Example, proof: list[str]) -> str:
    kind = item.node_type
    aliases = f" Also answers to {', '.join(f'`{alias}`' for alias in item.aliases)}." if item.aliases else ""
    parts = [
        f"# {kind.label}",
        _HEADER,
        kind.description,
        f"Node type `{kind.id}`, processor `{kind.executor_plugin}`.{aliases} Where: {_RUNS[item.runs]}.{_traits(item)}",
        "## Parameters",
        "\n".join(_parameters(item)),
        "## Outputs",
        "\n".join(_outputs(item)),
        "## Behaviour",
        _behaviour(item),
        "## Example",
        *_example(item, example),
        "## Proof",
        "\n".join(f"* {word}" for word in proof),
    ]
    return "\n\n".join(parts) + "\n"


def _traits(item: Processor) -> str:
    kind = item.node_type
    policy = kind.confirmation.get("policy")
    traits = {
        " It has side effects, so a lost worker does not repeat it.": kind.side_effects,
        " It asks for confirmation before it runs, unless that is waived.": policy == "ask",
        " It takes tools.": kind.consumes_tools,
    }
    return "".join(sentence for sentence, applies in traits.items() if applies)


def _parameters(item: Processor) -> Iterator[str]:
    if not item.node_type.parameters:
        yield "None."
        return
    yield "| name | setting | port | type | default | meaning |"
    yield "|---|---|---|---|---|---|"
    for parameter in item.node_type.parameters.values():
        yield _parameter(parameter)


def _parameter(parameter: Parameter) -> str:
    schema = parameter.schema_
    meaning = ". ".join(str(schema[key]).rstrip(".") for key in ("title", "description") if schema.get(key))
    if schema.get("enum"):
        meaning = f"{meaning}{'. ' if meaning else ''}One of {', '.join(map(str, schema['enum']))}"
    required = " (required)" if parameter.required else ""
    default = "" if parameter.effective_default is None else f"`{_cell(json.dumps(parameter.effective_default))}`"
    flags = ("yes" if parameter.configurable else "", "yes" if parameter.connectable else "")
    return f"| `{parameter.name}`{required} | {flags[0]} | {flags[1]} | {_type(schema)} | {default} | {_cell(meaning)} |"


def _outputs(item: Processor) -> Iterator[str]:
    if not item.node_type.outputs:
        yield "None."
        return
    yield "| name | type | shown | meaning |"
    yield "|---|---|---|---|"
    for port in item.node_type.outputs.values():
        yield f"| `{port.name}` | {_type(port.schema_)} | {_shown(port)} | {_cell(port.schema_.get('description', ''))} |"


def _shown(port: Output) -> str:
    return "never" if not port.exposed else "yes" if port.exposed_by_default else "when chosen"


def _type(schema: Any) -> str:
    kind = schema.get("type", "any")
    return kind if isinstance(kind, str) else " or ".join(kind)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _behaviour(item: Processor) -> str:
    text = inspect.getdoc(item.function) or ""
    text = _ROLE.sub(lambda match: f"`{match[1].rpartition('.')[2]}`", text)
    text = text.replace(":raises NodeError:", "Errors:").replace("``", "`")
    return re.sub(r":param (\w+):", r"`\1`:", text)


def _example(item: Processor, example: Example) -> Iterator[str]:
    shown = {"Configuration": example.config, "Inputs": example.inputs, "Initial data": example.initial_data}
    shown["Answer"] = example.resume or {}
    for title, value in shown.items():
        if value:
            yield f"{title}:\n\n{_block(value)}"
    yield f"Outputs:\n\n{_block(run_example(item, example))}"


def _block(value: Any) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False, default=str)}\n```"


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` print those that are stale."""
    if "--check" in arguments:
        found = stale()
        print("\n".join(found))
        return 1 if found else 0
    (DOCS / "nodes").mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
