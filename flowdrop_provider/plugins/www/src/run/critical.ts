import type { Span, Trace } from "../types";

const at = (iso: string | null): number => (iso ? Date.parse(iso) : NaN);

/** The chain of jobs that decided how long a run took: from the one that ended last back along the lines that were taken, each
 * time to the source that ended last. */
export function criticalPath(trace: Trace): Span[] {
  const done = trace.timeline.filter((span) => span.started !== null && span.completed !== null);
  const sources = new Map<string, Set<string>>();
  const taken = new Set(trace.edges.filter((edge) => edge.state === "followed").map((edge) => edge.id));
  for (const edge of trace.graph.edges ?? []) {
    if (!taken.has(edge.id)) continue;
    sources.set(edge.target, (sources.get(edge.target) ?? new Set()).add(edge.source));
  }
  const latest = (spans: Span[]): Span | undefined =>
    spans.reduce<Span | undefined>((best, span) => (best === undefined || at(span.completed) > at(best.completed) ? span : best), undefined);
  const path: Span[] = [];
  const seen = new Set<string>();
  for (let span = latest(done); span !== undefined && !seen.has(span.job_id);) {
    path.unshift(span);
    seen.add(span.job_id);
    const here = span;
    span = latest(done.filter((other) => sources.get(here.node_id)?.has(other.node_id) === true && !seen.has(other.job_id)
      && at(other.completed) <= at(here.started) + 1));
  }
  return path;
}
