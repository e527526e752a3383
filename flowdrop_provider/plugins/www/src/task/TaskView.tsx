import { Box, Flex, Heading, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";

import { ApiError, pipelineId, readJobs } from "../api";
import { Failure, Loading, Notice } from "../components/Messages";
import { StatusBadge } from "../components/StatusBadge";
import { useTrace } from "../follow";
import { duration } from "../format";
import { runPath } from "../paths";
import { JobPanel } from "../run/JobPanel";
import { isFinal } from "../status";
import { TEXT } from "../text";
import type { Job, Trace } from "../types";

interface TaskViewProps {
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: string | undefined;
}

const RESULT = "flowdrop_result";

function OneJob({ job, jobs, trace }: { job: Job; jobs: Job[]; trace: Trace }) {
  const round = job.round.length > 0 ? ` · ${TEXT.round} ${job.round.map((part) => part + 1).join(".")}` : "";
  return (
    <Box borderRadius="md" borderWidth="1px" p={4}>
      <Flex align="center" gap={3} mb={2} wrap="wrap">
        <Heading size="sm">{job.label}{round}</Heading>
        <StatusBadge status={job.status} />
        <Text color="fg.muted" fontSize="xs">{duration(job.execution_time_us)}</Text>
      </Flex>
      <JobPanel job={job} jobs={jobs.filter((other) => other.node_id === job.node_id)} run={trace.run} />
    </Box>
  );
}

function Jobs({ jobs, trace, to }: { jobs: Job[]; trace: Trace; to: string }) {
  return (
    <Flex className="fd-task" direction="column" gap={3} p={2}>
      <Link className="fd-link" to={to}>{TEXT.openRun} →</Link>
      {jobs.map((job) => <OneJob job={job} jobs={jobs} key={job.id} trace={trace} />)}
    </Flex>
  );
}

/** What went in and out of the node behind one task; a loop's task has a job for each node and round. */
export function TaskView({ dagId, runId, taskId, mapIndex }: TaskViewProps) {
  const id = pipelineId(dagId, runId);
  const trace = useTrace(id);
  const jobs = useQuery({
    queryKey: ["jobs", id], queryFn: ({ signal }) => readJobs(id, signal), enabled: trace.data !== undefined,
    staleTime: trace.data && isFinal(trace.data.run.status) ? Infinity : 0,
  });
  const to = runPath(dagId, runId);
  const error = trace.error ?? jobs.error;
  if (error instanceof ApiError && error.status === 404) return <Notice title={TEXT.otherTask}>{TEXT.otherTaskMore}</Notice>;
  if (error) return <Failure error={error} retry={() => void (trace.error ? trace.refetch() : jobs.refetch())} />;
  if (!trace.data || !jobs.data) return <Loading rows={3} />;
  const link = <Link className="fd-link" to={to}>{TEXT.openRun} →</Link>;
  if (taskId === RESULT) return <Notice action={link} icon="check" title={TEXT.resultTask}>{TEXT.resultTaskMore}</Notice>;
  const index = mapIndex === undefined ? -1 : Number(mapIndex);
  const own = jobs.data.filter((job) => job.task_id === taskId && (index < 0 || job.map_index === index));
  if (own.length === 0) return <Notice title={TEXT.otherTask}>{TEXT.otherTaskMore}</Notice>;
  return <Jobs jobs={own} to={to} trace={trace.data} />;
}
