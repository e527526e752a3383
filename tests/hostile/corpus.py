"""Documents that somebody wrote to do harm: each a file or a few, made in code, so that none lies in the repository.

A drawing is data of a stranger. Whatever is in it, reading it may not run code, open a file outside of its folder, speak to a
network, take long or much memory; it is refused with a code, or it is harmless.
"""

from __future__ import annotations

import io
import itertools
import json
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.engine.naming import airflow_id
from tests.expressions.test_hostile_templates import BOMBS, ESCAPES
from tests.flows import edge, flow, node

#: Stands in files beside the folder of documents; nothing may ever show it.
CANARY = "canary-of-the-outside-5f1c"

#: Texts of other systems' exploits: low-code runners, template engines, loggers, shells, spreadsheets, terminals, browsers.
PAYLOADS = [
    *ESCAPES,
    "={{ $json.constructor.constructor('return process.env')() }}",
    "={{ (function(){ return this.process.mainModule.require('child_process').execSync('id') })() }}",
    "={{ Object.getPrototypeOf(async function(){}).constructor('return 1')() }}",
    "={{ $evaluateExpression('{{ 1 }}') }}{{ $env.HOME }}{{ $execution.id }}{{ $secrets.x }}",
    "{{ ti.xcom_pull(key='x') }}{{ conn.airflow_db.password }}{{ var.value.secret }}{{ macros.os.environ }}",
    "{% for c in ().__class__.__base__.__subclasses__() %}{{ c }}{% endfor %}",
    "{{ url_for.__globals__ }}{{ get_flashed_messages.__globals__ }}{{ g.pop.__globals__ }}",
    "{{ ['id']|sort('system') }}{{ {'a': 'id'}|map('exec') }}{{ 'a'|convert_encoding('b','c') }}",
    "<%= `id` %><% require 'open3' %>#{`id`}${7*7}${T(java.lang.Runtime).getRuntime()}*{7*7}@(1+1)",
    "${jndi:ldap://127.0.0.1/a}${env:HOME}${sys:user.home}%{#_memberAccess}",
    "__proto__",
    "constructor.prototype.polluted",
    "__class__.__init__.__globals__",
    "{0.__class__.__init__.__globals__[os]}%(password)s%s%n{self!r}{config.SECRET}",
    "$(id)`id`;id|id&&id\n id",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mERROR\x1b[0m\r\n::set-output name=a::b\n2026-01-01 INFO 0 errors",
    "\u202egpj.exe\u2066\u200f\u2028\u2029\x9b31m\x85",
    "<img src=x onerror=alert(1)><script>alert(1)</script><svg/onload=alert(1)>",
    "![x](https://evil.example/pixel)[x](javascript:alert(1))<iframe src='data:text/html,x'>",
    "' OR 1=1; DROP TABLE dag; --",
    '"""\n\nimport os; os.system(\'id\')\n"""',
    "'); import os; os.system('id'); ('",
    "-*- coding: utf-7 -*- +AAo-import os",
    "../../../../../../etc/passwd\0.json",
    "file:///etc/passwd",
    "!!python/object/apply:os.system ['id']",
    "a" * 100_000,
]


@dataclass(frozen=True)
class Hostile:
    """One attack.

    :ivar name: what it tries.
    :ivar files: its files by name, relative to the folder of documents.
    :ivar codes: codes of which one refuses it (or one of its files); empty where it may as well be read and be harmless.
    :ivar shown: whether it is also looked at on the command line, and run there.
    """

    name: str
    files: dict[str, bytes]
    codes: frozenset[str] = field(default_factory=frozenset)
    shown: bool = False


def _json(name: str, document: Any, *codes: str) -> Hostile:
    return Hostile(name, {"flow.json": json.dumps(document).encode()}, frozenset(codes))


def _text(name: str, text: str | bytes, *codes: str, file: str = "flow.yml") -> Hostile:
    return Hostile(name, {file: text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text}, frozenset(codes))


def deep() -> Iterator[Hostile]:
    """Nesting: in text, in values, in blocks."""
    for depth in (64, 5_000, 500_000):
        yield _text(f"json arrays {depth} deep", b"[" * depth + b"]" * depth, "DOC_TOO_DEEP", "DOC_MALFORMED", file="flow.json")
        yield _text(f"yaml flow {depth} deep", b"[" * depth + b"]" * depth, "DOC_TOO_DEEP", "DOC_MALFORMED")
        yield _text(f"yaml maps {depth} deep", b"{a: " * depth + b"1" + b"}" * depth, "DOC_TOO_DEEP", "DOC_MALFORMED")
    yield _text("yaml blocks", b"".join(b" " * n + b"a:\n" for n in range(2_500)), "DOC_TOO_DEEP", "DOC_MALFORMED")
    value: Any = "x"
    for _ in range(50):
        value = [value, {"a": value if isinstance(value, str) else 1}] if _ % 2 else {"a": value}
    yield _json("configuration 50 deep", flow("deep", [node("text_input.1", defaultValue=value)], metadata={"x": value}))
    yield _json("envelopes in envelopes", _wrapped({"nodes": [], "edges": []}, 63), "DOC_TOO_DEEP", "DOC_MALFORMED")
    yield _json("envelopes, almost too many", _wrapped(flow("a", [node("text_input.1")]), 40))


def _wrapped(value: Any, times: int) -> Any:
    for _ in range(times):
        value = {"success": True, "data": value}
    return value


def wide() -> Iterator[Hostile]:
    """Many of everything."""
    many = [node(f"text_input.{n}") for n in range(20_000)]
    yield _json("20,000 nodes", flow("wide", many), "R5_TOO_MANY_NODES", "DOC_TOO_MANY_VALUES")
    yield _json("60,000 empty nodes", {"id": "a", "nodes": [{}] * 60_000, "edges": []}, "R5_TOO_MANY_NODES")
    two = [node("text_input.1"), node("text_output.1")]
    lines = [edge("text_input.1:text > text_output.1:text", f"e{n}") for n in range(20_000)]
    yield _json("20,000 edges between two nodes", flow("wide", two, lines), "R5_TOO_MANY_EDGES", "R13_EDGE_PARALLEL_DUPLICATE")
    lost = [edge(f"n{n}:text > m{n}:text", f"e{n}") for n in range(20_000)]
    yield _json("20,000 edges to nowhere", flow("wide", two, lost), "R5_TOO_MANY_EDGES")
    settings = {f"setting{n}": n for n in range(100_000)}
    yield _json("100,000 settings", flow("wide", [node("text_input.1", **settings)]))
    names = [node(f"text_input.{n}", **{f"valeu{m}": m for m in range(200)}) for n in range(400)]
    yield _json("80,000 misspelled settings", flow("wide", names))
    yield _json("200,000 tags", flow("wide", two, metadata={"tags": [f"tag {n}" for n in range(200_000)]}))
    yield _json("2,000 nodes", flow("wide", many[:2_000]), "R5_TOO_MANY_NODES")
    names = [item["id"] for item in many[:2_000]]
    around = [f"{a}:text > {b}:text" for a, b in itertools.pairwise([*names, names[0]])]
    yield _json("a ring of 2,000", flow("wide", many[:2_000], around), "R5_TOO_MANY_NODES")
    ports = [{"name": f"i{n}", "node_id": "text_input.1", "port": "defaultValue"} for n in range(25_000)]
    yield _json("25,000 declared inputs", flow("wide", two, input_ports=ports), "DOC_TOO_MANY_PORTS")
    few = {"properties": {f"i{n}": {"type": "string", "default": "x", "enum": ["x"] * 100} for n in range(1_000)}}
    yield _json("1,000 declared inputs", flow("wide", two, input_ports=ports[:1_000], parameter_schema=few))
    choices = {"inputs": [{"id": f"p{n}", "exposed": True} for n in range(40_000)]}
    own = [{"name": f"p{n}"} for n in range(40_000)]
    target = node("text_processor.1", ports=choices, dynamicOutputs=own)
    lines = [edge(f"text_input.1:text > text_processor.1:p{n}", f"e{n}") for n in range(1_000)]
    ports = [{"name": f"o{n}", "node_id": "text_processor.1", "port": f"p{n}"} for n in range(1_000)]
    yield _json("40,000 choices for 1,000 edges", flow("wide", [two[0], target], lines, output_ports=ports))
    kinds = [{"id": f"t{n}", "executor_plugin": "text_input", "parameters": {}} for n in range(25_000)]
    bundle = {"format": "flowdrop.bundle/v1", "payload": {"flow": flow("wide", two), "node_types": kinds}}
    yield _json("25,000 node types in a bundle", bundle)
    yield _json("ids of a megabyte", flow("x" * 1_000_000, [node("y" * 1_000_000, "text_input")]), "NODE_ID_UNSAFE")
    long = "z" * 2_000_000
    yield _json("texts of two megabytes", flow("long", [node("text_input.1", label=long)], description=long) | {"name": long})
    yield _text("250,001 values", b"[" + b"1," * 250_000 + b"1]", "DOC_TOO_MANY_VALUES", file="flow.json")
    yield _text("a million values of YAML", b"- a\n" * 1_000_000, "DOC_TOO_MANY_VALUES")
    yield _text("eight megabytes of one text", b'{"nodes": "' + b"x" * 8_000_000 + b'"}', file="flow.json")
    blocks = "".join(f"  - id: n{n}\n    data: {{label: x, config: {{a: 1, b: [1, 2, 3]}}}}\n" for n in range(15_000))
    yield _text("15,000 nodes of YAML", f"id: a\nnodes:\n{blocks}edges: []\n", "R5_TOO_MANY_NODES", "DOC_TOO_MANY_VALUES")


def cyclic() -> Iterator[Hostile]:
    """Circles of edges."""
    ring = [node(f"text_processor.{n}", operation="trim") for n in range(500)]
    names = [item["id"] for item in ring]
    around = [f"{a}:text > {b}:text" for a, b in itertools.pairwise([*names, names[0]])]
    yield _json("a ring of 500", flow("ring", ring, around))
    few = names[:31]
    dense = [f"{a}:text > {b}:text" for a in few for b in few if a != b]
    yield _json("everybody with everybody", flow("dense", ring[:31], dense))
    yield _json("a node with itself", flow("self", ring[:1], [f"{names[0]}:text > {names[0]}:text"]), "R12_EDGE_SELF")
    loops = [node(f"foreach.{n}") for n in range(60)]
    inner = [f"foreach.{n}:item > foreach.{n + 1}:items" for n in range(59)]
    back = [f"foreach.{n + 1}:done > foreach.{n}:loop_back" for n in range(59)]
    yield _json("60 loops in each other", flow("loops", loops, inner + back))
    layers = [[f"text_processor.{n}" for n in range(start, start + 20)] for start in range(0, 500, 20)]
    ways = [f"{a}:text > {b}:text" for left, right in itertools.pairwise(layers) for a in left for b in right][:1_000]
    yield _json("20 to the 25th ways", flow("ways", ring, ways))
    call = node("workflow_executor.1", workflow_id="caller", workflow="caller")
    yield _json("a workflow that calls itself", flow("caller", [call]))


def bombs() -> Iterator[Hostile]:
    """Little that becomes much."""
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    laughs += "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))
    yield _text("a billion laughs", laughs, "DOC_YAML_ALIAS")
    yield _text("merge keys", "a: &a {x: 1}\nb: {<<: *a}\nnodes: []\nedges: []\n", "DOC_YAML_ALIAS")
    yield _text("an alias of itself", "a: &a [*a]\n", "DOC_YAML_ALIAS", "DOC_MALFORMED")
    yield _text("tags that build objects", "a: !!python/object/apply:os.system [id]\nnodes: []\n", "DOC_MALFORMED")
    yield _text("tags that import", "a: !!python/name:os.system\nb: !!python/module:os\n", "DOC_MALFORMED")
    yield _text("a number of a million digits", b'{"nodes": ' + b"9" * 1_000_000 + b"}", "DOC_MALFORMED", file="flow.json")
    yield _text("a hexadecimal of a million digits", b"nodes: 0x" + b"f" * 1_000_000, "DOC_MALFORMED")
    yield _text("sexagesimals and underscores", b"nodes: 1" + b"_1" * 100_000 + b"\n", "DOC_MALFORMED")
    yield _text("an infinite number", b'{"nodes": [], "edges": [], "x": 1e99999}', "DOC_MALFORMED", file="flow.json")
    yield from _zips()
    evil = {"type": "string", "pattern": "^(a+)+$"}
    kind = {"id": "t", "executor_plugin": "text_input", "outputs": {}}
    kind["parameters"] = {"defaultValue": {**evil, "schema": evil, "configurable": True}}
    nodes = [node("t.1", "t", defaultValue="a" * 50_000 + "!")]
    bundle = {"format": "flowdrop.bundle/v1", "payload": {"flow": flow("typed", nodes), "node_types": [kind]}}
    yield _json("a node type that brings a pattern", bundle)
    for number, template in enumerate(BOMBS):
        yield _json(f"a template bomb {number}", flow("bomb", [node("prompt_template.1", template=template)]))
    costly = "{{ " + " ~ ".join(["(a ? b : c)|upper|lower|trim"] * 100) + " }}"
    yield _json("500 long templates", flow("bomb", [node(f"prompt_template.{n}", template=costly) for n in range(500)]))
    expressions = [
        "$" + "..*" * 5_000,
        "$[?" + "(" * 5_000 + "@.a" + ")" * 5_000 + "]",
        "$" + "[0]" * 60_000,
        "a" + ".b" * 60_000,
    ]
    for number, expression in enumerate(expressions):
        nodes = [node("data_extractor.1", path=expression), node("data_shaper.1", mapping={"a": expression}, engine="jsonpath")]
        yield _json(f"a path bomb {number}", flow("bomb", nodes))
    yield _json("500 path bombs", flow("bomb", [node(f"data_extractor.{n}", path=expressions[0]) for n in range(500)]))
    clocks = ("0 0 30 2 *", ",".join(["*/1"] * 20_000) + " * * * *", "* " * 50_000, "0-59/1 0-23/1 1-31/1 1-12/1 0-6/1",
        "R R R R R", "H H(0-30) * * *", "@yearly", "0 0 * * 7#9999", "9" * 5_000 + " * * * *", "\0 * * * *")  # fmt: skip
    for cron in clocks:
        trigger = node("scheduled_trigger.1", scheduleExpression=cron, timezone="../../../etc/passwd")
        yield _json(f"a clock {cron[:30]!r}", flow("clock", [trigger, node("text_input.1")]))
    for zone in ("/etc/passwd", "../" * 30 + "etc/passwd", "\0", "UTC\0", "x" * 100_000, "posixrules", "Factory", "localtime"):
        yield _json(
            f"a zone {zone[:30]!r}", flow("zone", [node("scheduled_trigger.1", scheduleExpression="0 0 * * *", timezone=zone)])
        )
    for jitter in ({"jitter": 1e308}, {"jitter": {"min": -1, "max": "1e400"}}, {"jitter_max": 10**400}, {"overlap": ["x"]}):
        trigger = node("scheduled_trigger.1", scheduleExpression="0 0 * * *")
        yield _json(f"a jitter {json.dumps(jitter)[:30]}", flow("jitter", [trigger], metadata={"flowdrop": jitter}))


def _patterns() -> list[tuple[dict[str, Any], Any]]:
    evil = ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(.*a){25}", "^(([a-z])+.)+[A-Z]([a-z])+$", "^(?=(a+))\\1*b(?:c|\\1)+$"]
    return [({"type": "string", "pattern": pattern}, "a" * 50_000 + "!") for pattern in [*evil, "(?R)?", "a{65535}" * 20]]


def _zips() -> Iterator[Hostile]:
    def zipped(name: str, members: dict[str, bytes], *codes: str, method: int = zipfile.ZIP_DEFLATED) -> Hostile:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", method) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        return Hostile(name, {"flow.zip": content.getvalue()}, frozenset(codes))

    yield zipped("a zip of zeros", {f"{n}.json": b"0" * 8_000_000 for n in range(9)}, "DOC_ZIP")
    yield zipped("a zip of one large file", {"a.json": b" " * 40_000_000}, "DOC_TOO_LARGE")
    yield zipped("a zip in a zip", {"a.zip": b"PK\x03\x04", "b.json": b"[]"})
    yield zipped("10,001 entries", {f"{n}.json": b"" for n in range(10_001)}, "DOC_ZIP", method=zipfile.ZIP_STORED)
    for path in ("../outside/evil.json", "/etc/evil.json", "..\\..\\evil.json", "a/../../evil.json"):
        yield zipped(f"a zip that leads out by {path}", {path: b"{}"}, "DOC_ZIP")
    yield zipped("names that end a line", {"x\nimport os\n#.json": b"[", "coding: utf-7 .json": b"["}, "DOC_MALFORMED")
    yield Hostile("a directory of 340,000 entries", {"flow.zip": _directory_only(340_000)}, frozenset({"DOC_ZIP"}))


def _directory_only(entries: int) -> bytes:
    """A zip of a directory alone, whose end says that there is one entry."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * entries
    return directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0)


def paths() -> Iterator[Hostile]:
    """Names that are paths, and texts that somebody might take for the name of a file."""
    outside = (
        "../../../outside/secret.md",
        "../../../outside/secret",
        "/etc/passwd",
        "..",
        ".",
        "a/../..",
        "\\..\\x",
        "~root/x",
        "a\0b",
    )
    for path in outside:
        yield _json(f"a node id {path!r}", flow("p", [node(path, "text_input")]))
        yield _json(f"a workflow id {path!r}", flow(path, [node("text_input.1")]))
        yield _json(f"a node type {path!r}", flow("p", [node("text_input.1", path)]), "R9_NODE_TYPE_UNKNOWN")
        call = node("workflow_executor.1", workflow_id=path, workflow=path)
        yield _json(f"a sub-workflow {path!r}", flow("p", [call]))
        yield _json(
            f"a description {path!r}", flow("p", [node("text_input.1"), node("note.1", content=path)], description=path)
        )
    yield _json("a description that names a file", flow("p", [node("text_input.1")], description=outside[0]))
    yield _json("a description that is the name of a folder", flow("p", [node("text_input.1")], description="../x.md"))
    yield _json("a description too long for a name", flow("p", [node("text_input.1")], description="x" * 9_000 + ".md"))
    yield _json("a description with a NUL", flow("p", [node("text_input.1")], description="x\0.md"))
    for reference in (
        "file:///etc/passwd",
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/latest",
        "#/x",
        "#",
        "../outside/x",
    ):
        yield _json(f"a schema that refers to {reference}", _input({"$ref": reference, "default": "x"}))
        yield _json(f"items that refer to {reference}", _input({"type": "array", "items": {"$ref": reference}, "default": [1]}))
        dynamic = {"$dynamicRef": reference, "$id": reference, "$schema": reference, "default": "x"}
        yield _json(f"a dialect of {reference}", _input(dynamic))
    yield Hostile(
        "file names that are code",
        {
            "x\nimport os; os.system('id')\n#.json": b"[",
            "coding: utf-7 +AAo-import os.json": b"[",
            "\N{CJK UNIFIED IDEOGRAPH-8282}" * 80 + "/" + "\N{CJK UNIFIED IDEOGRAPH-8282}" * 80 + ".json": b"[",
        },
        frozenset({"DOC_MALFORMED"}),
        shown=True,
    )


def _input(schema: dict[str, Any]) -> dict[str, Any]:
    """A workflow on a clock with one declared input of this schema, so that Airflow checks its default as it is built."""
    nodes = [node("scheduled_trigger.1", scheduleExpression="0 0 * * *"), node("text_input.1")]
    entry = {"name": "given", "node_id": "text_input.1", "port": "defaultValue"}
    contract = {"type": "object", "properties": {"given": schema}}
    return flow("input", nodes, input_ports=[entry], parameter_schema=contract)


def schemas() -> Iterator[Hostile]:
    """Schemas of inputs that Airflow hands to a library of its own."""
    for name in ("self", "default", "schema", "source", "value", "kwargs", "__class", "__var", "$ref", "allOf", "not", "if"):
        yield _json(f"a keyword {name}", _input({name: {"a": name}, "type": "string", "default": "x"}))
    for number, (schema, value) in enumerate(_patterns()):
        yield _json(f"an input's pattern {number}", _input({**schema, "default": value}))
        properties = {"type": "object", "patternProperties": {schema["pattern"]: {}}, "default": {value: 1}}
        yield _json(f"an input's property pattern {number}", _input(properties))
    wrong = [{"type": "integer"}, {"type": ["x", 1, None]}, {"type": {}}, {"enum": [1]}, {"enum": {}}, {"multipleOf": 0},
        {"multipleOf": 1e-320}, {"minimum": "a"}, {"minLength": 10**400}, {"format": "regex"}, {"format": ["date"]},
        {"title": {"a": 1}}, {"description": ["<b>"]}, {"items": [1]}, {"uniqueItems": True}, {"required": "x"}]  # fmt: skip
    for schema in wrong:
        yield _json(f"an input of {json.dumps(schema)[:40]}", _input({"default": "x", **schema}))
    yield _json("no schema at all", _input("x"))  # type: ignore[arg-type]
    yield _json("choices without end", _input({"enum": list(range(100_000)), "default": 1}))


def texts() -> Iterator[Hostile]:
    """Every payload in every text field there is."""
    for number, payload in enumerate(PAYLOADS):
        where = f"{number} {payload[:30]!r}"
        nodes = [
            node("text_input.1", label=payload, defaultValue=payload, instanceTitle=payload),
            node("prompt_template.1", template=payload),
            node("note.1", content=payload),
            node("text_output.1"),
        ]
        lines = [
            edge("text_input.1:text > prompt_template.1:variables", payload),
            edge("prompt_template.1:prompt > text_output.1:text", f"{payload}2"),
        ]
        extra = {
            "description": payload,
            "metadata": {"tags": [payload], "author": payload, "flowdrop": {"orchestrator": payload}},
        }
        contract = {"properties": {"given": {"type": "string", "title": payload, "description": payload, "default": payload}}}
        ports = [{"name": "given", "node_id": "text_input.1", "port": "defaultValue", "title": payload, "description": payload}]
        document = flow("texts", nodes, lines, **extra, input_ports=ports, parameter_schema=contract)
        names = [node(payload, "text_input"), node("a.1", payload), node("text_input.2", **{payload: payload})]
        line = {"id": payload, "source": payload, "target": "a.1", "data": {"edgeType": payload}}
        line |= {"sourceHandle": f"{payload}-output-{payload}", "targetHandle": f"a.1-input-{payload}"}
        values = {
            "texts.json": json.dumps({**document, "name": payload}),
            "names.json": json.dumps(flow(payload, names, [line])),
            "none.yml": payload,
            "none.json": f'{{"{json.dumps(payload)[1:-1]}": {payload}',
        }
        files = {name: text.encode("utf-8", "surrogatepass") for name, text in values.items()}
        yield Hostile(f"texts {where}", files, frozenset({"DOC_MALFORMED", "DOC_ENCODING"}), shown=True)
    twins = [node("a b", "text_input"), node(airflow_id("a b"), "text_input"), node("flowdrop_result", "text_input")]
    yield _json("a node with the name of another's task", flow("twins", twins))


def corpus() -> list[Hostile]:
    """All of them; names are unique."""
    kinds = (deep, wide, cyclic, bombs, paths, schemas, texts)
    return [item for kind in kinds for item in kind()]
