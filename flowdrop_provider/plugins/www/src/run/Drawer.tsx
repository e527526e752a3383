import { Box, Button, Flex, Heading, IconButton, NativeSelect, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";

import { readJobs } from "../api";
import { Icon } from "../components/Icon";
import { Failure, Loading, Notice } from "../components/Messages";
import { StatusBadge } from "../components/StatusBadge";
import { duration, moment } from "../format";
import { stateOf } from "../graph";
import { runPath } from "../paths";
import { setPlace, usePlace } from "../place";
import { useRights } from "../rights";
import { isFinal, LOOKS, originOf } from "../status";
import { TEXT } from "../text";
import type { Injected, Job, NodeComparison, Run, Trace } from "../types";
import { Answer } from "./Answer";
import { JobPanel } from "./JobPanel";
import { usePins } from "./pins";
import { RerunDialog } from "./RerunDialog";

interface DrawerProps {
  trace: Trace;
  nodeId: string;
  close: () => void;
  compared?: NodeComparison;
}

function Head({ trace, nodeId, close, job }: DrawerProps & { job: Job | undefined }) {
  const drawn = trace.graph.nodes?.find((node) => node.id === nodeId);
  return (
    <Flex align="flex-start" borderBottomWidth="1px" gap={2} p={4}>
      <Box flex="1" minW={0}>
        <Heading size="sm" truncate>{drawn?.label ?? nodeId}</Heading>
        <Text color="fg.muted" fontSize="xs">{(drawn?.type ?? "").replaceAll("_", " ")} · {nodeId}</Text>
        <Flex align="center" gap={2} mt={2} wrap="wrap">
          <StatusBadge status={job?.status ?? stateOf(trace, nodeId).status} />
          <Text color="fg.muted" fontSize="xs">{[job?.injected ? "" : duration(job?.execution_time_us), moment(job?.started)].filter(Boolean).join(" · ")}</Text>
        </Flex>
        <Flex gap={2} mt={2} wrap="wrap"><FromHere nodeId={nodeId} trace={trace} /><Pin nodeId={nodeId} trace={trace} /></Flex>
      </Box>
      <IconButton aria-label={TEXT.close} onClick={close} size="xs" variant="ghost"><Icon name="cross" /></IconButton>
    </Flex>
  );
}

function Rounds({ jobs, chosen, choose }: { jobs: Job[]; chosen: number; choose: (index: number) => void }) {
  return (
    <Flex align="center" gap={2} pb={2}>
      <Text fontSize="sm">{TEXT.round}</Text>
      <NativeSelect.Root size="xs" width="auto">
        <NativeSelect.Field aria-label={TEXT.round} onChange={(event) => choose(Number(event.target.value))} value={chosen}>
          {jobs.map((job, index) => (
            <option key={job.id} value={index}>{TEXT.roundOf(index + 1, jobs.length, LOOKS[job.status].label)}</option>
          ))}
        </NativeSelect.Field>
        <NativeSelect.Indicator />
      </NativeSelect.Root>
    </Flex>
  );
}

/** Starting anew at this node, for those who may, once the run has ended and the node has come to its turn. */
function FromHere({ trace, nodeId }: { trace: Trace; nodeId: string }) {
  const { run } = trace;
  const [open, setOpen] = useState(false);
  const allowed = useRights([run.dag_id]).of(run.dag_id).start;
  const label = trace.graph.nodes?.find((node) => node.id === nodeId)?.label ?? nodeId;
  if (!allowed || !isFinal(run.status)) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)} size="xs" variant="outline"><Icon name="again" />{TEXT.rerunFrom}</Button>
      {open ? <RerunDialog close={() => setOpen(false)} from={{ id: nodeId, label }} run={run} /> : null}
    </>
  );
}

/** Outputs for another run, for those who may put some in: what this node gave, or others in place of its failure. */
function Pin({ trace, nodeId }: { trace: Trace; nodeId: string }) {
  const { run } = trace;
  const { ids, toggle } = usePins();
  const rights = useRights([run.dag_id]).of(run.dag_id);
  if (!rights.start || !rights.stop || !isFinal(run.status) || !["completed", "failed"].includes(stateOf(trace, nodeId).status)) return null;
  const pinned = ids.includes(nodeId);
  return (
    <Button aria-pressed={pinned} onClick={() => toggle(nodeId)} size="xs" variant={pinned ? "solid" : "outline"}>
      <Icon name="pin" />{pinned ? TEXT.unpin : TEXT.pin}
    </Button>
  );
}

/** That the shown job was not executed, and where its outputs came from. */
function Origin({ injected, run }: { injected: Injected; run: Run }) {
  const { icon, sentence } = originOf(injected);
  const other = injected.source === "pin" ? undefined : injected.source;
  return (
    <Flex align="flex-start" className="fd-origin-box" gap={2}>
      <Box flex="none" mt="2px"><Icon name={icon} size={13} /></Box>
      <Text fontSize="sm" overflowWrap="anywhere">
        {other ? <>{TEXT.reusedFrom} <Link className="fd-link" to={runPath(run.dag_id, other)}>{other}</Link>.</> : sentence}
      </Text>
    </Flex>
  );
}

/** The index of the shown job: the address's round (from 1), else the last. */
function shownIndex(asked: string | null, count: number): number {
  const wanted = Number(asked);
  return asked !== null && wanted >= 1 && wanted <= count ? wanted - 1 : count - 1;
}

/** What went in and out of the chosen node, beside the drawing. */
export function Drawer({ trace, nodeId, close, compared }: DrawerProps) {
  const { run } = trace;
  const query = useQuery({ queryKey: ["jobs", run.id], queryFn: ({ signal }) => readJobs(run.id, signal), staleTime: Infinity });
  const asked = usePlace().get("attempt");
  const jobs = query.data?.filter((job) => job.node_id === nodeId) ?? [];
  const index = shownIndex(asked, jobs.length);
  const job = jobs[index];
  const waiting = stateOf(trace, nodeId).status === "interrupted";
  return (
    <Flex aria-label={trace.graph.nodes?.find((node) => node.id === nodeId)?.label} as="section" bg="bg" borderLeftWidth="1px"
      className="fd-drawer" direction="column">
      <Head close={close} job={job} nodeId={nodeId} trace={trace} />
      <Box flex="1" overflow="auto" p={4}>
        {waiting ? <Answer nodeId={nodeId} run={run} /> : null}
        {query.isPending ? <Loading rows={3} /> : null}
        {query.error ? <Failure error={query.error} retry={() => void query.refetch()} /> : null}
        {query.data && !job ? <Notice icon="dot" title={LOOKS.idle.label}>{TEXT.notReached}</Notice> : null}
        {jobs.length > 1 ? <Rounds choose={(round) => setPlace({ attempt: String(round + 1) })} chosen={index} jobs={jobs} /> : null}
        {job?.injected ? <Origin injected={job.injected} run={run} /> : null}
        {job ? <JobPanel compared={compared} job={job} jobs={jobs} run={run} /> : null}
      </Box>
    </Flex>
  );
}
