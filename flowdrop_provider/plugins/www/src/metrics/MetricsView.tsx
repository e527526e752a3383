import { Box, Flex, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { readMetrics, readTrend } from "../api";
import { Choice } from "../components/Choice";
import { Failure, Loading, Notice } from "../components/Messages";
import { percent } from "../format";
import { setPlace, usePlace } from "../place";
import { beginning, PERIODS } from "../runs/filters";
import { useWorkflows } from "../runs/useRuns";
import { TEXT } from "../text";
import type { Figures, Group } from "../types";
import { change, seconds, together } from "./figures";
import { GroupTable } from "./GroupTable";
import { RunsPlot, TimePlot } from "./Plot";

const GROUPINGS = ["workflow", "node", "node_type"] as const;
type Grouping = (typeof GROUPINGS)[number];
const POINTS = 30;
const FRESH = 30_000;

interface Asked {
  workflow: string;
  time: string;
  by: Grouping;
}

function useFigures({ workflow, time, by }: Asked) {
  const scope = () => ({ workflow_id: workflow, since: beginning(time, Date.now()) });
  const groups = useQuery({
    queryKey: ["metrics", workflow, time, by], queryFn: ({ signal }) => readMetrics({ ...scope(), group_by: by }, signal), refetchInterval: FRESH,
  });
  const runs = useQuery({
    queryKey: ["metrics", workflow, time, "workflow"], queryFn: ({ signal }) => readMetrics({ ...scope(), group_by: "workflow" }, signal), refetchInterval: FRESH,
  });
  const slices = useQuery({
    queryKey: ["trend", workflow, time], queryFn: ({ signal }) => readTrend({ ...scope(), points: POINTS }, signal), refetchInterval: FRESH,
  });
  return { groups, runs, slices };
}

function Tile({ label, value, versus, bad = false }: { label: string; value: string; versus: string; bad?: boolean }) {
  return (
    <Box borderRadius="md" borderWidth="1px" className="fd-tile" flex="1 1 130px" px={3} py={2}>
      <Text color="fg.muted" fontSize="xs">{label}</Text>
      <Text color={bad ? "red.fg" : undefined} fontSize="2xl" fontWeight="semibold">{value}</Text>
      <Text color="fg.muted" fontSize="xs">{versus ? TEXT.versus(versus) : TEXT.noBefore}</Text>
    </Box>
  );
}

function Tiles({ now, before }: { now: Figures; before: Figures | undefined }) {
  return (
    <Flex gap={3} wrap="wrap">
      <Tile label={TEXT.runs} value={String(now.count)} versus={change(now.count, before?.count)} />
      <Tile bad={now.failed > 0} label={TEXT.failureRate} value={percent(now.failure_rate)} versus={change(now.failure_rate, before?.failure_rate)} />
      <Tile label={TEXT.mean} value={seconds(now.duration_s.mean)} versus={change(now.duration_s.mean, before?.duration_s.mean)} />
      <Tile label={TEXT.p50} value={seconds(now.duration_s.p50)} versus={change(now.duration_s.p50, before?.duration_s.p50)} />
      <Tile label={TEXT.p95} value={seconds(now.duration_s.p95)} versus={change(now.duration_s.p95, before?.duration_s.p95)} />
      <Tile label={TEXT.queueWait} value={seconds(now.queue_wait_s.p50)} versus={change(now.queue_wait_s.p50, before?.queue_wait_s.p50)} />
    </Flex>
  );
}

function Shown({ asked }: { asked: Asked }) {
  const { groups, runs, slices } = useFigures(asked);
  const error = groups.error ?? runs.error ?? slices.error;
  if (error) return <Failure error={error} retry={() => void Promise.all([groups.refetch(), runs.refetch(), slices.refetch()])} />;
  if (!groups.data || !runs.data || !slices.data) return <Loading rows={6} />;
  const now = together(runs.data);
  if (!now) return <Notice icon="chart" title={TEXT.noFigures}>{TEXT.noFiguresMore}</Notice>;
  const before = together(runs.data.flatMap((group) => group.previous ?? []));
  const choose = (group: Group) => setPlace({ workflow: group.workflow_id, by: "node" });
  return (
    <Flex direction="column" gap={3}>
      <Tiles before={before} now={now} />
      <Flex gap={3} wrap="wrap"><RunsPlot slices={slices.data} /><TimePlot slices={slices.data} /></Flex>
      <GroupTable choose={asked.by === "workflow" && !asked.workflow ? choose : undefined} groups={groups.data} />
      {now.complete ? null : <Text color="orange.fg" fontSize="sm">{TEXT.sampled}</Text>}
    </Flex>
  );
}

/** How often, how long, how often failed; against the period before; by workflow, node and kind of node. */
export function MetricsView({ dagId }: { dagId: string | undefined }) {
  const place = usePlace();
  const workflows = useWorkflows().data ?? [];
  const asked: Asked = {
    workflow: dagId ?? place.get("workflow") ?? "",
    time: PERIODS[place.get("time") ?? ""] ? place.get("time") ?? "" : "24h",
    by: GROUPINGS.find((known) => known === place.get("by")) ?? (dagId ? "node" : "workflow"),
  };
  return (
    <Flex direction="column" gap={3}>
      <Flex gap={2} wrap="wrap">
        {dagId ? null : (
          <Choice change={(value) => setPlace({ workflow: value || undefined })} label={TEXT.workflow}
            options={[["", TEXT.allWorkflows], ...workflows.map((workflow): [string, string] => [workflow.id, workflow.name])]} value={asked.workflow} />
        )}
        <Choice change={(value) => setPlace({ time: value })} label={TEXT.time}
          options={Object.entries(PERIODS).map(([key, period]): [string, string] => [key, period.label])} value={asked.time} />
        <Choice change={(value) => setPlace({ by: value })} label={TEXT.groupBy} options={GROUPINGS.map((name) => [name, TEXT.groupings[name]])} value={asked.by} />
      </Flex>
      <Shown asked={asked} />
    </Flex>
  );
}
