import type { EdgeState, JobStatus, NodeState, Span, Trace } from "../types";

/** A run's recorded times in milliseconds. */
export interface Period {
  first: number;
  last: number;
}

const ms = (iso: string | null): number | undefined => (iso ? Date.parse(iso) : undefined);

/** From the first job that queued to the last that ended; `undefined` for a run that has not begun. */
export function periodOf(spans: Span[]): Period | undefined {
  const begins = spans.flatMap((span) => ms(span.queued) ?? ms(span.started) ?? []);
  const ends = spans.flatMap((span) => ms(span.completed) ?? ms(span.started) ?? []);
  if (begins.length === 0 || ends.length === 0) return undefined;
  return { first: Math.min(...begins), last: Math.max(...ends, Math.min(...begins) + 1) };
}

/** The moments at which something changes, in order: between two of them the drawing stays as it is. */
export function momentsOf(spans: Span[]): number[] {
  const all = spans.flatMap((span) => [ms(span.queued), ms(span.started), ms(span.completed)].filter((moment) => moment !== undefined));
  return [...new Set(all)].sort((left, right) => left - right);
}

/** How many moments have passed at a time. */
export const passed = (moments: number[], now: number): number => {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] ?? Infinity) <= now) low = middle + 1;
    else high = middle;
  }
  return low;
};

function statusAt(span: Span, now: number): JobStatus {
  const [queued, started, completed] = [ms(span.queued), ms(span.started), ms(span.completed)];
  if (completed !== undefined && completed <= now) return span.status;
  if (started !== undefined && started <= now) return completed === undefined ? span.status : "running";
  return queued !== undefined && queued <= now ? "pending" : "idle";
}

function nodeAt(final: NodeState, spans: Span[], now: number, over: boolean): NodeState {
  if (over) return final;
  const begun = spans.filter((span) => (ms(span.started) ?? Infinity) <= now);
  const newest = begun.at(-1) ?? spans[0];
  const status = newest ? statusAt(newest, now) : "idle";
  const worked = begun.reduce((sum, span) => sum + Math.max(0, Math.min(now, ms(span.completed) ?? now) - (ms(span.started) ?? now)), 0);
  return { ...final, status, executions: begun.length, execution_time_us: worked * 1000, error: status === "failed" ? final.error : null, injected: status === final.status ? final.injected : null };
}

/** A trace as it stood at a time, told from the recorded times alone. Nodes that never started show their end with the run's. */
export function traceAt(trace: Trace, now: number): Trace {
  const period = periodOf(trace.timeline);
  const over = period === undefined || now >= period.last;
  if (over) return trace;
  const spans = new Map<string, Span[]>();
  for (const span of trace.timeline) spans.set(span.node_id, [...(spans.get(span.node_id) ?? []), span]);
  const nodes = Object.fromEntries(Object.entries(trace.nodes).map(([id, state]) => [id, nodeAt(state, spans.get(id) ?? [], now, over)]));
  const ended = (id: string) => ["completed", "failed"].includes(nodes[id]?.status ?? "idle");
  const edges = trace.edges.map((edge): EdgeState =>
    edge.state !== "not_an_order" && !ended(edge.source) ? { ...edge, state: "open", times: 0 } : edge);
  return { ...trace, nodes, edges };
}
