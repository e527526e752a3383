import { Box, Flex, Heading, IconButton, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { readJobs } from "../api";
import { Icon } from "../components/Icon";
import { JsonTree } from "../components/JsonTree";
import { Failure, Loading } from "../components/Messages";
import { TEXT } from "../text";
import type { DrawnEdge, Job, Json, Trace } from "../types";

const ROOT = "output_data";

/** What left a port, by the round that it left in. */
function passed(jobs: Job[], edge: DrawnEdge): { job: Job; value: Json }[] {
  return jobs
    .filter((job) => job.node_id === edge.source)
    .flatMap((job) => {
      const value = edge.kind === "error" ? job.output_data?.error : job.output_data?.[edge.source_port];
      return value === undefined ? [] : [{ job, value }];
    });
}

function Passed({ edge, jobs }: { edge: DrawnEdge; jobs: Job[] }) {
  if (jobs.some((job) => job.node_id === edge.source && job.output_data === undefined)) return <Text color="fg.muted" fontSize="sm">{TEXT.noValues}</Text>;
  const values = passed(jobs, edge);
  if (values.length === 0) return <Text color="fg.muted" fontSize="sm">{edge.kind === "trigger" ? TEXT.onlyOrder : TEXT.nothingPassed}</Text>;
  return values.map(({ job, value }, index) => (
    <Box key={job.id} mb={3}>
      {values.length > 1 ? <Text color="fg.muted" fontSize="xs">{TEXT.round} {index + 1}</Text> : null}
      <JsonTree marks={{ truncated: job.truncated ?? {}, redacted: job.redacted ?? [] }} root={ROOT} value={{ [edge.source_port]: value }} />
    </Box>
  ));
}

/** The values that passed along one line of the drawing. */
export function EdgePanel({ trace, edge, close }: { trace: Trace; edge: DrawnEdge; close: () => void }) {
  const { run } = trace;
  const query = useQuery({ queryKey: ["jobs", run.id], queryFn: ({ signal }) => readJobs(run.id, signal), staleTime: Infinity });
  const label = (id: string) => trace.graph.nodes?.find((node) => node.id === id)?.label ?? id;
  const state = trace.edges.find((known) => known.id === edge.id);
  return (
    <Flex aria-label={TEXT.line(label(edge.source), label(edge.target))} as="section" bg="bg" borderLeftWidth="1px" className="fd-drawer" direction="column">
      <Flex align="flex-start" borderBottomWidth="1px" gap={2} p={4}>
        <Box flex="1" minW={0}>
          <Heading size="sm">{TEXT.line(label(edge.source), label(edge.target))}</Heading>
          <Text color="fg.muted" fontSize="xs">{edge.source_port} → {edge.target_port} · {TEXT.kinds[edge.kind]}</Text>
          <Text fontSize="sm" mt={2}>{TEXT.fates[state?.state ?? "open"]}{state && state.times > 1 ? ` × ${state.times}` : ""}</Text>
        </Box>
        <IconButton aria-label={TEXT.close} onClick={close} size="xs" variant="ghost"><Icon name="cross" /></IconButton>
      </Flex>
      <Box flex="1" overflow="auto" p={4}>
        {query.isPending ? <Loading rows={3} /> : null}
        {query.error ? <Failure error={query.error} retry={() => void query.refetch()} /> : null}
        {query.data ? <Passed edge={edge} jobs={query.data} /> : null}
      </Box>
    </Flex>
  );
}
