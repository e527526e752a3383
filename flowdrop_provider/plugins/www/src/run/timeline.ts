import type { Span } from "../types";

/** A bar on the timeline; places and lengths are shares (0 to 1) of the whole run. */
export interface Bar {
  span: Span;
  wait: number;
  begin: number;
  length: number;
}

/** The bars of a run in the order of time. A span that goes on ends `now`. */
export function bars(spans: Span[], now: number): Bar[] {
  const timed = spans.filter((span) => span.started !== null);
  const at = (iso: string | null, otherwise: number) => (iso ? Date.parse(iso) : otherwise);
  const begins = timed.map((span) => Math.min(at(span.queued, Infinity), at(span.started, now)));
  const first = Math.min(...begins);
  const last = Math.max(...timed.map((span) => at(span.completed, now)));
  const whole = Math.max(1, last - first);
  return timed
    .map((span) => {
      const started = at(span.started, now);
      const begin = (started - first) / whole;
      return { span, begin, wait: Math.max(0, (started - at(span.queued, started)) / whole), length: (at(span.completed, now) - started) / whole };
    })
    .sort((left, right) => left.begin - right.begin);
}
