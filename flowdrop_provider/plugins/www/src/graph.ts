import { Position, type Edge, type Node, type NodeHandle } from "@xyflow/react";

import { isPlaced, layered } from "./layout";
import type { DrawnEdge, DrawnNode, EdgeState, Injected, JobStatus, NodeState, Span, Trace } from "./types";

export interface CardData extends Record<string, unknown> {
  drawn: DrawnNode;
  status: JobStatus;
  time: number;
  rounds: number;
  attempt: number;
  /** Where its outputs came from, when it was not executed. */
  injected: Injected | null;
  inputs: string[];
  outputs: string[];
  /** On the chain that decided how long the run took. */
  critical?: boolean;
  /** What another run or revision that is laid beside makes of it, and in a few words how. */
  beside?: { differs: boolean; words: string };
}

export type Card = Node<CardData, "card" | "note">;

const HEAD = 46;
const FOOT = 28;
export const PORT_ROW = 20;
const PAD = 8;

/** Size of a card: as wide as the author drew it within reason, as high as its wired ports need. */
export function cardSize(node: DrawnNode, ports: number): { width: number; height: number } {
  if (isNote(node)) return { width: node.w ?? 260, height: node.h ?? 140 };
  const width = Math.min(Math.max(node.w ?? 240, 200), 320);
  return { width, height: HEAD + FOOT + (ports > 0 ? ports * PORT_ROW + PAD : 0) };
}

export const isNote = (node: DrawnNode): boolean => node.excluded !== undefined && node.content !== undefined;

/** Distance of a port from the upper edge of its card. */
export const portTop = (index: number): number => HEAD + PAD / 2 + index * PORT_ROW + PORT_ROW / 2;

function wired(edges: DrawnEdge[]): { inputs: Map<string, string[]>; outputs: Map<string, string[]> } {
  const inputs = new Map<string, string[]>();
  const outputs = new Map<string, string[]>();
  const note = (ports: Map<string, string[]>, node: string, port: string) => {
    const known = ports.get(node) ?? [];
    if (!known.includes(port)) ports.set(node, [...known, port]);
  };
  for (const edge of edges) {
    note(outputs, edge.source, edge.source_port);
    note(inputs, edge.target, edge.target_port);
  }
  return { inputs, outputs };
}

function handles(inputs: string[], outputs: string[], width: number): NodeHandle[] {
  const one = (side: "target" | "source") => (port: string, index: number): NodeHandle => ({
    id: port,
    type: side,
    position: side === "target" ? Position.Left : Position.Right,
    x: side === "target" ? -4 : width - 4,
    y: portTop(index) - 4,
    width: 8,
    height: 8,
  });
  return [...inputs.map(one("target")), ...outputs.map(one("source"))];
}

const IDLE: NodeState = { status: "idle", executions: 0, execution_time_us: 0, skip_reason: null, error: null, job_ids: [] };

export const stateOf = (trace: Trace, id: string): NodeState => trace.nodes[id] ?? IDLE;

function attempts(timeline: Span[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const span of timeline) {
    found.set(span.node_id, Math.max(found.get(span.node_id) ?? 1, span.attempts.length, span.try_number));
  }
  return found;
}

/** What a view knows of the nodes beyond the trace. */
export interface Marks {
  critical?: Set<string>;
  beside?: Map<string, { differs: boolean; words: string }>;
  /** The line whose values are shown. */
  edge?: string | null;
}

/** The cards of a trace, where the author put them. */
export function cards(trace: Trace, marks: Marks = {}): Card[] {
  const { nodes = [], edges = [] } = trace.graph;
  const ports = wired(edges);
  const places = isPlaced(nodes) ? undefined : layered(nodes, edges);
  const tries = attempts(trace.timeline);
  return nodes.map((drawn) => {
    const inputs = ports.inputs.get(drawn.id) ?? [];
    const outputs = ports.outputs.get(drawn.id) ?? [];
    const state = stateOf(trace, drawn.id);
    const size = cardSize(drawn, Math.max(inputs.length, outputs.length));
    const data = {
      drawn, inputs, outputs, status: state.status, time: state.execution_time_us,
      rounds: state.executions, attempt: tries.get(drawn.id) ?? 1, injected: state.injected ?? null,
      critical: marks.critical?.has(drawn.id), beside: marks.beside?.get(drawn.id),
    };
    return {
      id: drawn.id,
      type: isNote(drawn) ? "note" : "card",
      position: places?.get(drawn.id) ?? { x: drawn.x ?? 0, y: drawn.y ?? 0 },
      data,
      ...size,
      measured: size,
      handles: handles(inputs, outputs, size.width),
      selectable: !isNote(drawn),
    };
  });
}

/** The lines of a trace: taken, not taken or still open, told apart by form as well as by colour. */
export function lines(trace: Trace, marks: Marks = {}): Edge[] {
  const states = new Map<string, EdgeState>(trace.edges.map((edge) => [edge.id, edge]));
  const errors = new Set(trace.graph.nodes?.filter((node) => stateOf(trace, node.id).status === "failed").map((node) => node.id));
  const critical = (edge: DrawnEdge, fate: string) =>
    fate === "followed" && marks.critical?.has(edge.source) === true && marks.critical.has(edge.target);
  return (trace.graph.edges ?? []).map((edge) => {
    const state = states.get(edge.id);
    const fate = state?.state ?? "open";
    const error = edge.kind === "error" || (edge.source_port === "error" && errors.has(edge.source));
    return {
      id: edge.id,
      source: edge.source,
      target: edge.target,
      sourceHandle: edge.source_port,
      targetHandle: edge.target_port,
      type: edge.kind === "loopback" ? "loop" : "default",
      className: `fd-edge fd-${fate} fd-kind-${edge.kind}${error ? " fd-error" : ""}${critical(edge, fate) ? " fd-critical" : ""}${edge.id === marks.edge ? " fd-chosen" : ""}`,
      label: state && state.times > 1 ? `× ${state.times}` : undefined,
      focusable: false,
      selectable: false,
    };
  });
}

/** The node an arrow key leads to: along an edge to the right and left, to the nearest one up and down. */
export function neighbour(list: Card[], edges: Edge[], from: string, key: string): string | undefined {
  const here = list.find((card) => card.id === from);
  if (!here) return list.find((card) => card.type === "card")?.id;
  // The way that the run took comes first.
  const ways = [...edges.filter((edge) => edge.className?.includes("fd-followed")), ...edges];
  if (key === "ArrowRight") return ways.find((edge) => edge.source === from)?.target;
  if (key === "ArrowLeft") return ways.find((edge) => edge.target === from)?.source;
  const down = key === "ArrowDown" ? 1 : -1;
  const distance = (card: Card) =>
    Math.abs(card.position.y - here.position.y) + 2 * Math.abs(card.position.x - here.position.x);
  return list
    .filter((card) => card.type === "card" && (card.position.y - here.position.y) * down > 0)
    .sort((left, right) => distance(left) - distance(right))[0]?.id;
}

/** Why a run failed of which no node of the drawing tells: it was marked, its result could not be stored. */
export function reasonBesideNodes({ run, graph }: Trace): string | undefined {
  if (run.status !== "failed" || !run.error) return undefined;
  const { node_id, message } = run.error;
  return graph.nodes?.some((node) => node.id === node_id) ? undefined : message;
}

/** The node to show first: the one that failed, in the order of time. */
export function firstFailed(trace: Trace): string | undefined {
  const failed = trace.timeline.find((span) => stateOf(trace, span.node_id).status === "failed");
  return failed?.node_id ?? trace.graph.nodes?.find((node) => stateOf(trace, node.id).status === "failed")?.id;
}
