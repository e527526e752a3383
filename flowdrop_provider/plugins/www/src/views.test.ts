import { afterEach, describe, expect, it, vi } from "vitest";

import { pipelineId } from "./api";
import { merged, nextPause, rest } from "./follow";
import { ago, between, bytes, duration } from "./format";
import { cards, firstFailed, lines, neighbour } from "./graph";
import { isPlaced, layered } from "./layout";
import { homePath, keyOf, runPath } from "./paths";
import { beginning, filtersOf, queryOf } from "./runs/filters";
import { bars } from "./run/timeline";
import { originOf, skipSentence, whyOf } from "./status";
import type { Changes, DrawnEdge, DrawnNode, Span, Trace } from "./types";

const drawn = (id: string, more: Partial<DrawnNode> = {}): DrawnNode => ({ id, label: id, type: "text_input", visual: "", x: 0, y: 0, ...more });

const edge = (source: string, target: string, more: Partial<DrawnEdge> = {}): DrawnEdge => ({
  id: `${source}>${target}`, kind: "data", source, source_port: "out", target, target_port: "in", gated: false, ...more,
});

const span = (node_id: string, more: Partial<Span> = {}): Span => ({
  job_id: node_id, node_id, status: "completed", queued: null, started: "2026-01-01T00:00:00Z", completed: "2026-01-01T00:00:01Z",
  round: [], attempts: [], try_number: 1, ...more,
});

function trace(): Trace {
  const state = { executions: 1, execution_time_us: 5, skip_reason: null, error: null, job_ids: [] };
  return {
    run: { status: "failed", changed: "1" } as Trace["run"],
    graph: { nodes: [drawn("a"), drawn("b", { x: 300 }), drawn("c", { x: 300, y: 200 })], edges: [edge("a", "b"), edge("a", "c")] },
    nodes: { a: { ...state, status: "completed" }, b: { ...state, status: "failed" } },
    edges: [
      { id: "a>b", source: "a", target: "b", state: "followed", times: 3 },
      { id: "a>c", source: "a", target: "c", state: "not_followed", times: 0 },
    ],
    timeline: [span("a"), span("b", { try_number: 2, status: "failed" })],
    summary: {},
  };
}

afterEach(() => vi.unstubAllGlobals());

describe("layout", () => {
  it("puts a node one column after the last of its sources", () => {
    const places = layered([drawn("a"), drawn("b"), drawn("c")], [edge("a", "b"), edge("b", "c"), edge("a", "c")]);
    expect([places.get("a")?.x, places.get("b")?.x, places.get("c")?.x]).toEqual([0, 340, 680]);
  });

  it("gives nodes of one column rows of their own and leaves edges back out", () => {
    const places = layered([drawn("a"), drawn("b"), drawn("c")], [edge("a", "b"), edge("a", "c"), edge("b", "a", { kind: "loopback" })]);
    expect(places.get("b")).toEqual({ x: 340, y: 0 });
    expect(places.get("c")).toEqual({ x: 340, y: 170 });
  });

  it("ends on a circle that is not marked as one", () => {
    expect(layered([drawn("a"), drawn("b")], [edge("a", "b"), edge("b", "a")]).size).toBe(2);
  });

  it("takes nodes in one spot as not placed", () => {
    expect(isPlaced([drawn("a"), drawn("b")])).toBe(false);
    expect(isPlaced([drawn("a"), drawn("b", { y: 9 })])).toBe(true);
  });
});

describe("graph", () => {
  it("gives cards the state, the attempt and the author's place", () => {
    const [a, b, c] = cards(trace());
    expect(b).toMatchObject({ position: { x: 300, y: 0 }, data: { status: "failed", attempt: 2, inputs: ["in"] } });
    expect(a?.data.outputs).toEqual(["out"]);
    expect(c?.data.status).toBe("idle");
  });

  it("tells taken from untaken edges and counts rounds", () => {
    const [taken, not] = lines(trace());
    expect(taken).toMatchObject({ label: "× 3", className: "fd-edge fd-followed fd-kind-data" });
    expect(not?.className).toContain("fd-not_followed");
  });

  it("moves along edges to the sides and to the nearest card up and down", () => {
    const [list, edges] = [cards(trace()), lines(trace())];
    expect(neighbour(list, edges, "a", "ArrowRight")).toBe("b");
    expect(neighbour(list, edges, "b", "ArrowLeft")).toBe("a");
    expect(neighbour(list, edges, "b", "ArrowDown")).toBe("c");
    expect(neighbour(list, edges, "b", "ArrowUp")).toBeUndefined();
    expect(neighbour(list, edges, "", "ArrowUp")).toBe("a");
  });

  it("opens on the node that failed", () => {
    expect(firstFailed(trace())).toBe("b");
    expect(firstFailed({ ...trace(), nodes: {} })).toBeUndefined();
  });
});

describe("following", () => {
  it("asks again after a second of news and at most every ten seconds without", () => {
    expect(nextPause(9_000, true)).toBe(1_000);
    expect(nextPause(1_000, false)).toBe(1_500);
    expect(nextPause(9_000, false)).toBe(10_000);
  });

  it("lays newer states over a trace", () => {
    const changes = { run: { status: "running" }, nodes: {}, summary: { total: 1 } } as unknown as Changes;
    expect(merged(trace(), changes)).toMatchObject({ run: { status: "running" }, nodes: {}, summary: { total: 1 }, edges: trace().edges });
  });
});

describe("format", () => {
  it.each([
    [143, "0.2 ms"], [16_472, "16 ms"], [3_210_000, "3.2 s"], [125_000_000, "2 min 05 s"], [4_200_000_000, "1 h 10 min"],
  ])("says %i microseconds as %s", (us, said) => expect(duration(us)).toBe(said));

  it("says nothing about what is not known", () => {
    expect(duration(null)).toBe("");
    expect(between("2026-01-01T00:00:00Z", null)).toBeUndefined();
    expect(between("2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z")).toBe(2_000_000);
  });

  it("says sizes and ages", () => {
    expect([bytes(12), bytes(2_048), bytes(9 * 1024 * 1024)]).toEqual(["12 B", "2.0 kB", "9.0 MB"]);
    expect(ago("2026-01-01T00:00:00Z", Date.parse("2026-01-01T03:10:00Z"))).toBe("3 h ago");
    expect(skipSentence("branch_not_active")).toContain("No branch");
  });

  it("says why a node stands as it does", () => {
    const state = { status: "completed" as const, executions: 1, execution_time_us: 0, skip_reason: null, error: null, job_ids: [] };
    expect(whyOf(state)).toBe("");
    expect(whyOf({ ...state, status: "failed", error: "It broke" })).toBe("It broke");
    expect(whyOf({ ...state, status: "skipped" })).toBe(skipSentence(null));
    expect(whyOf({ ...state, injected: { source: "manual__1", at: "" } })).toContain("manual__1");
    expect(originOf({ source: "pin", at: "" })).toMatchObject({ word: "Pinned", icon: "pin" });
  });
});

describe("waiting between two questions", () => {
  /** A page with its listeners, and a signal with its. */
  function page(hidden: boolean) {
    const shown = Object.assign(new EventTarget(), { hidden });
    vi.stubGlobal("document", shown);
    const stop = new AbortController();
    const listeners = new Set<unknown>();
    vi.spyOn(stop.signal, "addEventListener").mockImplementation((_, listener) => void listeners.add(listener));
    vi.spyOn(stop.signal, "removeEventListener").mockImplementation((_, listener) => void listeners.delete(listener));
    return { shown, stop, listeners };
  }

  it("leaves nothing behind on a signal that outlives it", async () => {
    const { stop, listeners } = page(false);
    for (let count = 0; count < 3; count += 1) await rest(0, stop.signal);
    expect(listeners.size).toBe(0);
  });

  it("lasts until the page is looked at", async () => {
    const { shown, stop } = page(true);
    let over = false;
    const resting = rest(0, stop.signal).then(() => (over = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(over).toBe(false);
    shown.hidden = false;
    shown.dispatchEvent(new Event("visibilitychange"));
    expect(await resting).toBe(true);
  });
});

describe("identifiers", () => {
  it("makes the pipeline id that the API makes, and reads both ids back", () => {
    const id = pipelineId("flowdrop_é", "manual__2026-11-23T09:05:10+00:00");
    expect(id).toBe("Zmxvd2Ryb3Bfw6kKbWFudWFsX18yMDI2LTExLTIzVDA5OjA1OjEwKzAwOjAw");
    expect(keyOf(id)).toEqual(["flowdrop_é", "manual__2026-11-23T09:05:10+00:00"]);
    expect(homePath({ status: "failed", time: "24h" })).toBe("/plugin/flowdrop?status=failed&time=24h");
    expect(runPath("a", "b+c:d")).toBe("/dags/a/runs/b%2Bc%3Ad/plugin/flowdrop-run");
  });
});

describe("filters", () => {
  const none = { workflow: "", status: "", time: "", trigger: "", user: "", error: "", node_id: "" };

  it("reads the address and ignores what it does not know", () => {
    expect(filtersOf(new URLSearchParams("status=failed&time=24h&workflow=w&user=ann"))).toEqual({ ...none, status: "failed", time: "24h", workflow: "w", user: "ann" });
    expect(filtersOf(new URLSearchParams("status=odd&time=toString&trigger=odd"))).toEqual(none);
  });

  it("asks the API with the beginning of the period, to the minute", () => {
    const filters = filtersOf(new URLSearchParams("time=24h&workflow=w"));
    expect(queryOf(filters, Date.parse("2026-01-02T12:00:31Z"))).toMatchObject({ workflow_id: "w", since: "2026-01-01T12:00:00.000Z" });
    expect(beginning("", 0)).toBeUndefined();
  });
});

describe("timeline", () => {
  it("places bars as shares of the whole run, waiting included", () => {
    const [first, second] = bars([
      span("b", { queued: "2026-01-01T00:00:01Z", started: "2026-01-01T00:00:02Z", completed: "2026-01-01T00:00:04Z" }), span("a"),
    ], 0);
    expect(first).toMatchObject({ begin: 0, length: 0.25 });
    expect(second).toMatchObject({ begin: 0.5, wait: 0.25, length: 0.5 });
  });
});
