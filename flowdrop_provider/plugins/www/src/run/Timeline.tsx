import { Box, Flex, Text } from "@chakra-ui/react";
import { useMemo } from "react";

import { between, duration } from "../format";
import { LOOKS } from "../status";
import { TEXT } from "../text";
import type { Span, Trace } from "../types";
import { bars, type Bar } from "./timeline";

const percent = (share: number) => `${(share * 100).toFixed(3)}%`;

/** Microseconds of all attempts: finer than the moments, which browsers read in milliseconds. */
function worked(span: Span): number | undefined {
  const times = span.attempts.map((attempt) => attempt.execution_time_us ?? 0);
  return times.length > 0 ? times.reduce((sum, time) => sum + time) : undefined;
}

function Row({ bar, label, selected, select }: { bar: Bar; label: string; selected: boolean; select: (id: string) => void }) {
  const { span } = bar;
  const look = LOOKS[span.status];
  const took = duration(worked(span) ?? between(span.started, span.completed));
  const waited = duration(between(span.queued, span.started));
  return (
    <button aria-label={`${label}: ${look.label} ${took}`} className={`fd-bar-row${selected ? " fd-selected" : ""}`}
      onClick={() => select(span.node_id)} title={TEXT.bar(label, look.label, took, waited)} type="button">
      <span className="fd-bar-name">{label}{span.round.length > 0 ? ` · ${span.round.map((part) => part + 1).join(".")}` : ""}</span>
      <span className="fd-bar-track">
        <span className="fd-bar-wait" style={{ left: percent(Math.max(0, bar.begin - bar.wait)), width: percent(bar.wait) }} />
        <span className={`fd-bar fd-${look.palette}`} style={{ left: `min(${percent(bar.begin)}, calc(100% - 4px))`, width: percent(bar.length) }} />
      </span>
      <span className="fd-bar-time">{took}</span>
    </button>
  );
}

interface TimelineProps {
  trace: Trace;
  selected: string | undefined;
  select: (id: string) => void;
}

/** When each node waited and ran, in step with the drawing. */
export function Timeline({ trace, selected, select }: TimelineProps) {
  const now = Date.parse(trace.run.completed ?? trace.run.changed) || 0;
  const rows = useMemo(() => bars(trace.timeline, now), [trace.timeline, now]);
  const labels = useMemo(() => new Map(trace.graph.nodes?.map((node) => [node.id, node.label])), [trace.graph]);
  if (rows.length === 0) return null;
  return (
    <Box aria-label={TEXT.timeline} as="section" borderTopWidth="1px" className="fd-timeline">
      <Flex justify="space-between" px={4} py={1}>
        <Text color="fg.muted" fontSize="xs" fontWeight="semibold">{TEXT.timeline}</Text>
        <Text color="fg.muted" fontSize="xs">{duration(between(trace.run.started, trace.run.completed))}</Text>
      </Flex>
      <div className="fd-bars">
        {rows.map((bar) => (
          <Row bar={bar} key={bar.span.job_id} label={labels.get(bar.span.node_id) ?? bar.span.node_id} select={select}
            selected={bar.span.node_id === selected} />
        ))}
      </div>
    </Box>
  );
}
