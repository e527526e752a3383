import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { useMemo, type CSSProperties } from "react";

import { Icon } from "../components/Icon";
import { between, duration } from "../format";
import { LOOKS } from "../status";
import { TEXT } from "../text";
import type { Span, Trace } from "../types";
import { Player } from "./Player";
import { bars, type Bar } from "./timeline";
import type { Playback } from "./usePlayback";

const percent = (share: number) => `${(share * 100).toFixed(3)}%`;

/** Microseconds of all attempts: finer than the moments, which browsers read in milliseconds. */
function worked(span: Span): number | undefined {
  const times = span.attempts.map((attempt) => attempt.execution_time_us ?? 0);
  return times.length > 0 ? times.reduce((sum, time) => sum + time) : undefined;
}

interface RowProps {
  bar: Bar;
  label: string;
  selected: boolean;
  critical: boolean;
  select: (id: string) => void;
}

/** The attempts that failed before the last one, as marks where they began. */
function Retries({ bar, first, whole }: { bar: Bar; first: number; whole: number }) {
  return bar.span.attempts.slice(1).map((attempt, index) => (attempt.started
    ? <span className="fd-bar-retry" key={index} style={{ left: percent((Date.parse(attempt.started) - first) / whole) }} title={TEXT.attempt(attempt.number ?? index + 2)} />
    : null));
}

function Row({ bar, label, selected, critical, select, first, whole }: RowProps & { first: number; whole: number }) {
  const { span } = bar;
  const look = LOOKS[span.status];
  const took = duration(worked(span) ?? between(span.started, span.completed));
  const waited = duration(between(span.queued, span.started));
  return (
    <button className={`fd-bar-row${selected ? " fd-selected" : ""}${critical ? " fd-critical" : ""}`}
      onClick={() => select(span.node_id)} title={TEXT.bar(label, look.label, took, waited)} type="button">
      <span className="fd-bar-name">{label}{span.round.length > 0 ? ` · ${span.round.map((part) => part + 1).join(".")}` : ""}<span className="fd-unseen">: {look.label}</span></span>
      <span className="fd-bar-track">
        <span className="fd-bar-wait" style={{ left: percent(Math.max(0, bar.begin - bar.wait)), width: percent(bar.wait) }} />
        <span className={`fd-bar fd-${look.palette}`} style={{ left: `min(${percent(bar.begin)}, calc(100% - 4px))`, width: percent(bar.length) }} />
        <Retries bar={bar} first={first} whole={whole} />
      </span>
      <span className="fd-bar-time">{took}</span>
    </button>
  );
}

interface TimelineProps {
  trace: Trace;
  selected: string | undefined;
  select: (id: string) => void;
  playback: Playback;
  /** The chain that decided how long the run took, when it is shown. */
  critical: Span[] | undefined;
  setCritical: (shown: boolean) => void;
}

/** What the critical path says: how many jobs, and how much of the time they worked. */
function CriticalButton({ critical, setCritical, whole }: Pick<TimelineProps, "critical" | "setCritical"> & { whole: number }) {
  const time = critical?.reduce((sum, span) => sum + (between(span.started, span.completed) ?? 0), 0) ?? 0;
  return (
    <Flex align="center" gap={2}>
      <Button aria-pressed={critical !== undefined} onClick={() => setCritical(critical === undefined)} size="2xs" variant={critical ? "solid" : "outline"}>
        <Icon name="path" size={12} />{TEXT.critical}
      </Button>
      {critical ? <Text color="fg.muted" fontSize="xs">{TEXT.criticalSaid(critical.length, duration(time), duration(Math.max(0, whole * 1000 - time)))}</Text> : null}
    </Flex>
  );
}

/** When each node waited and ran, in step with the drawing; the run can be played from it. */
export function Timeline({ trace, selected, select, playback, critical, setCritical }: TimelineProps) {
  const end = Date.parse(trace.run.completed ?? trace.run.changed) || 0;
  const rows = useMemo(() => bars(trace.timeline, end), [trace.timeline, end]);
  const labels = useMemo(() => new Map(trace.graph.nodes?.map((node) => [node.id, node.label])), [trace.graph]);
  const { period, now } = playback;
  if (rows.length === 0 || !period) return null;
  const whole = Math.max(1, Math.max(period.last, ...trace.timeline.filter((span) => span.started && !span.completed).map(() => end)) - period.first);
  const chain = new Set(critical?.map((span) => span.job_id));
  return (
    <Box aria-label={TEXT.timeline} as="section" borderTopWidth="1px" className="fd-timeline">
      <Flex align="center" columnGap={4} justify="space-between" px={4} py={1} wrap="wrap">
        <Flex align="center" flex="none" gap={3}>
          <Text color="fg.muted" fontSize="xs" fontWeight="semibold">{TEXT.timeline}</Text>
          <CriticalButton critical={critical} setCritical={setCritical} whole={whole} />
        </Flex>
        <Player playback={playback} />
      </Flex>
      <div className="fd-bars" tabIndex={0} role="group" aria-label={TEXT.timeline}>
        {now === undefined ? null : <div className="fd-now" style={{ "--fd-now": (now - period.first) / whole } as CSSProperties} />}
        {rows.map((bar) => (
          <Row bar={bar} critical={chain.has(bar.span.job_id)} first={period.first} key={bar.span.job_id} label={labels.get(bar.span.node_id) ?? bar.span.node_id}
            select={select} selected={bar.span.node_id === selected} whole={whole} />
        ))}
      </div>
    </Box>
  );
}
