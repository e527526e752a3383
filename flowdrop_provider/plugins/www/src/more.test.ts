import { describe, expect, it } from "vitest";

import { changes, union } from "./audit/revisions";
import { csvOf } from "./audit/csv";
import { holds } from "./components/JsonTree";
import { cards, lines } from "./graph";
import { change, together } from "./metrics/figures";
import { beside, slower } from "./run/compare";
import { criticalPath } from "./run/critical";
import { differences } from "./run/differences";
import { parsed, read, valueOf } from "./run/form";
import { svgOf } from "./run/picture";
import { bundled } from "./run/wires";
import { isWhole, template } from "./run/pins";
import { momentsOf, passed, traceAt } from "./run/playback";
import { curlOf, markdownOf } from "./run/summary";
import type { Comparison, Drawing, Figures, Job, NodeState, Span, Trace } from "./types";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

const state = (more: Partial<NodeState> = {}): NodeState =>
  ({ status: "completed", executions: 1, execution_time_us: 1_000_000, skip_reason: null, error: null, job_ids: [], ...more });

const span = (node: string, queued: number, started: number, completed: number, more: Partial<Span> = {}): Span =>
  ({ job_id: node, node_id: node, status: "completed", queued: at(queued), started: at(started), completed: at(completed), round: [], attempts: [], try_number: 1, ...more });

const wire = (source: string, target: string) =>
  ({ id: `${source}>${target}`, kind: "data" as const, source, source_port: "out", target, target_port: "in", gated: false });

/** `a` feeds the quick `b` and the slow `c`, both feed `d`, which fails. */
const TRACE = {
  run: {
    id: "x", workflow_id: "w", name: "Flow", revision: "abcdef0123456789", dag_id: "d", run_id: "r", status: "failed", started: at(0), completed: at(9), created: at(0),
    triggered: { type: "manual", via: "rest_api", user: "ann" },
  },
  graph: {
    nodes: ["a", "b", "c", "d"].map((id, index) => ({ id, label: `Node <${id}>`, type: "text_input", visual: "", x: index * 300, y: 0 })),
    edges: [wire("a", "b"), wire("a", "c"), wire("b", "d"), wire("c", "d")],
  },
  nodes: { a: state(), b: state(), c: state(), d: state({ status: "failed", error: "It | broke" }) },
  edges: [["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"]].map(([source = "", target = ""]) => ({ id: `${source}>${target}`, source, target, state: "followed", times: 1 })),
  timeline: [span("a", 0, 1, 2), span("b", 2, 2, 3), span("c", 2, 3, 6), span("d", 6, 7, 9, { status: "failed" })],
  summary: {},
} as unknown as Trace;

describe("critical path", () => {
  it("goes back to the source that ended last", () => {
    expect(criticalPath(TRACE).map((found) => found.node_id)).toEqual(["a", "c", "d"]);
  });

  it("marks cards and lines", () => {
    const marks = { critical: new Set(["a", "c", "d"]) };
    expect(cards(TRACE, marks).filter((card) => card.data.critical).map((card) => card.id)).toEqual(["a", "c", "d"]);
    expect(lines(TRACE, marks).filter((line) => line.className?.includes("fd-critical")).map((line) => line.id)).toEqual(["a>c", "c>d"]);
  });
});

describe("playback", () => {
  it("tells a run as it stood", () => {
    const then = traceAt(TRACE, Date.parse(at(4)));
    expect(Object.fromEntries(Object.entries(then.nodes).map(([id, node]) => [id, node.status]))).toEqual({ a: "completed", b: "completed", c: "running", d: "idle" });
    expect(then.edges.map((edge) => edge.state)).toEqual(["followed", "followed", "followed", "open"]);
    expect(then.nodes.c?.execution_time_us).toBe(1_000_000);
    expect(traceAt(TRACE, Date.parse(at(9)))).toBe(TRACE);
  });

  it("changes at recorded moments only", () => {
    const moments = momentsOf(TRACE.timeline);
    expect(passed(moments, Date.parse(at(4)))).toBe(passed(moments, Date.parse(at(5))));
    expect(passed(moments, Date.parse(at(0)) - 1)).toBe(0);
    expect(passed(moments, Date.parse(at(99)))).toBe(moments.length);
  });
});

describe("differences", () => {
  it("names places as JSON Pointers and leaves the absent side out", () => {
    expect(differences({ a: [1, { "x/y": 1 }], b: 1 }, { a: [1, { "x/y": 2 }], c: null })).toEqual([
      { path: "/a/1/x~1y", left: 1, right: 2 }, { path: "/b", left: 1 }, { path: "/c", right: null },
    ]);
    expect(differences({ a: 1 }, { a: 1 })).toEqual([]);
  });

  it("says in words how a node differs", () => {
    const node = (left: object | null, right: object | null, more = {}) => ({ node_id: "n", differs: true, left, right, ...more });
    const comparison = {
      nodes: [
        { ...node({ status: "completed", execution_time_us: 3000 }, { status: "completed", execution_time_us: 1000 }, { output_data: [{ path: "/y" }] }), node_id: "a" },
        { ...node({ status: "failed", execution_time_us: 1 }, { status: "completed", execution_time_us: 1 }), node_id: "b" },
      ],
    } as unknown as Comparison;
    expect(beside(comparison).get("a")?.words).toBe("1 value differs · +2.0 ms");
    expect(beside(comparison).get("b")?.words).toBe("was completed");
    expect(slower(node(null, null) as never)).toBeUndefined();
  });
});

describe("forms", () => {
  const schema = {
    required: ["name"],
    properties: { name: { type: "string", minLength: 2 }, age: { type: "integer", minimum: 0 }, kind: { enum: [1, "two"] }, sure: { type: "boolean" } },
  };

  it("reads values as the schema has them", () => {
    expect(read(schema, { name: "Ann", age: "7", kind: "1", sure: true })).toEqual({ values: { name: "Ann", age: 7, kind: 1, sure: true }, wrong: {} });
  });

  it("says what is wrong with which field", () => {
    expect(read(schema, { name: "A", age: "7.5", kind: "" }).wrong).toEqual({ name: "At least 2 characters", age: "Not a number" });
    expect(read(schema, {}).wrong).toEqual({ name: "Needed" });
    expect(() => valueOf("{", { type: "object" })).toThrow("This is not JSON.");
    expect(() => parsed("[1]", "no object")).toThrow("no object");
    expect(() => parsed("{", "no object")).toThrow("This is not JSON.");
  });

  it("lets outputs be changed that are known as a whole", () => {
    const job = (more: Partial<Job>) => ({ output_data: { y: 1 }, truncated: {}, redacted: [], ...more }) as unknown as Job;
    expect(isWhole(job({ redacted: ["input_data.password"] }))).toBe(true);
    expect(isWhole(job({ redacted: ["output_data.password"] }))).toBe(false);
    expect(isWhole(job({ truncated: { "output_data.y": 9 } }))).toBe(false);
    expect(isWhole(job({ output_data: undefined }))).toBe(false);
    expect(isWhole(undefined)).toBe(false);
    expect(JSON.parse(template(TRACE.graph, "a"))).toEqual({ out: null });
    expect(JSON.parse(template(TRACE.graph, "d"))).toEqual({});
  });
});

describe("exports", () => {
  it("draws a picture without markup of the author's", () => {
    const svg = svgOf(cards(TRACE), lines(TRACE), "Flow & run");
    expect(svg).toContain("<title>Flow &amp; run</title>");
    expect(svg).toContain("Node &lt;a&gt;");
    expect(svg.match(/<path /gu)).toHaveLength(4);
  });

  it("draws lines that look alike in one stroke from afar, and leaves out those that end nowhere", () => {
    const drawn = lines(TRACE);
    const paths = bundled(cards(TRACE), [...drawn, { id: "lost", source: "a", target: "nobody", className: drawn[0]?.className ?? "" }]);
    expect([...paths.keys()].sort()).toEqual([...new Set(drawn.map((edge) => edge.className))].sort());
    expect([...paths.values()].join("").match(/M/gu)).toHaveLength(drawn.length);
  });

  it("tells a run in Markdown", () => {
    const text = markdownOf(TRACE, "http://x/run");
    expect(text).toContain("## Flow: failed");
    expect(text).toContain("by ann, Airflow's API");
    expect(text).toContain("| Node <d> | Failed | 1.0 s | It \\| broke |");
  });

  it("tells why a run failed in which no node did", () => {
    const error = { code: "marked_failed", message: "Somebody marked it.", node_id: null, retryable: false };
    const failed = (more: object) => ({ ...TRACE, run: { ...TRACE.run, error: { ...error, ...more } } }) as unknown as Trace;
    expect(markdownOf(failed({}), "")).toContain("- Somebody marked it.");
    expect(markdownOf(failed({ node_id: "d" }), "")).not.toContain("Somebody");
  });

  it("quotes a call for the shell", () => {
    const document = { baseURI: "http://localhost:8080/" };
    Object.assign(globalThis, { document });
    expect(curlOf(TRACE.run, { text: "it's" })).toContain(`-d '{"inputs":{"text":"it'\\''s"}}'`);
  });

  it("makes no formulas in spreadsheets", () => {
    const entry = { id: 1, at: at(0), event: "=1+1", user: 'A "B"', dag_id: null, run_id: null, pipeline_id: null, task_id: null, details: {} };
    expect(csvOf([entry]).split("\r\n")[1]).toBe(`"${at(0)}","A ""B""","'=1+1","","",""`);
  });
});

describe("revisions", () => {
  const older: Drawing = { nodes: [{ id: "a", label: "A", type: "t", visual: "", x: 0 }, { id: "b", label: "B", type: "t", visual: "" }, { id: "z", label: "Z", type: "t", visual: "" }], edges: [wire("a", "b")] };
  const newer: Drawing = { nodes: [{ id: "a", label: "A", type: "t", visual: "", x: 50 }, { id: "b", label: "B2", type: "t", visual: "" }, { id: "c", label: "C", type: "t", visual: "" }, { id: "z", label: "Z", type: "t", visual: "" }], edges: [wire("a", "b")] };

  it("tells added, removed and changed nodes; places do not count", () => {
    expect(Object.fromEntries(changes(older, newer))).toEqual({ a: "same", b: "changed", c: "added", z: "same" });
    expect(changes(newer, older).get("c")).toBe("removed");
  });

  it("puts both on one canvas", () => {
    const both = union(newer, older);
    expect(both.graph.nodes?.map((node) => node.id)).toEqual(["a", "b", "z", "c"]);
    expect(both.edges[0]?.state).toBe("not_an_order");
  });
});

describe("figures", () => {
  const figures = (count: number, failed: number, p50: number): Figures =>
    ({ count, failed, failure_rate: failed / count, complete: true, duration_s: { mean: p50, p50, p95: p50, max: p50 }, queue_wait_s: { p50: 0, p95: 0 } });

  it("weighs groups by their count", () => {
    expect(together([figures(3, 1, 2), figures(1, 1, 6)])).toMatchObject({ count: 4, failed: 2, failure_rate: 0.5, duration_s: { mean: 3, p95: 6 } });
    expect(together([])).toBeUndefined();
  });

  it("compares with the period before", () => {
    expect(change(3, 2)).toBe("+50 %");
    expect(change(1, 2)).toBe("−50 %");
    expect(change(1, 0)).toBe("");
  });
});

describe("search in values", () => {
  it("finds names and values at any depth", () => {
    expect(holds("a", { b: [{ c: "Needle" }] }, "needle")).toBe(true);
    expect(holds("a", { b: [{ c: 1 }] }, "c")).toBe(true);
    expect(holds("a", { b: [{ c: 1 }] }, "x")).toBe(false);
  });
});
