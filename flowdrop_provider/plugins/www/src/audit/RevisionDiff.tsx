import { Box, Flex, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { ReactFlowProvider } from "@xyflow/react";
import { useMemo } from "react";

import { readRevision } from "../api";
import { Failure, Loading } from "../components/Messages";
import { cards, lines } from "../graph";
import { Canvas } from "../run/Canvas";
import { TEXT } from "../text";
import type { Drawing, Trace } from "../types";
import { changes, union } from "./revisions";

function Drawn({ older, newer }: { older: Drawing; newer: Drawing }) {
  const found = useMemo(() => changes(older, newer), [older, newer]);
  const trace = useMemo(() => union(older, newer) as Trace, [older, newer]);
  const marks = useMemo(() => ({
    beside: new Map([...found].map(([id, change]) => [id, { differs: change !== "same", words: change === "same" ? "" : TEXT.changes[change] }])),
  }), [found]);
  const shownCards = useMemo(() => cards(trace, marks), [trace, marks]);
  const shownLines = useMemo(() => lines(trace), [trace]);
  const count = [...found.values()].filter((change) => change !== "same").length;
  return (
    <>
      <Text fontSize="sm" mb={2}>{count === 0 ? TEXT.onlySettings : TEXT.nodesChanged(count)}</Text>
      <Box borderRadius="md" borderWidth="1px" className="fd-canvas fd-revision" height="420px" overflow="hidden">
        <ReactFlowProvider><Canvas cards={shownCards} lines={shownLines} select={() => undefined} selected={undefined} /></ReactFlowProvider>
      </Box>
      <Flex color="fg.muted" fontSize="xs" gap={4} mt={1} wrap="wrap">{TEXT.revisionKey}</Flex>
    </>
  );
}

/** Two revisions of a workflow on one canvas. */
export function RevisionDiff({ workflowId, older, newer }: { workflowId: string; older: string; newer: string }) {
  const ask = (revision: string) => ({
    queryKey: ["revision", workflowId, revision], queryFn: ({ signal }: { signal: AbortSignal }) => readRevision(workflowId, revision, signal), staleTime: Infinity,
  });
  const [left, right] = [useQuery(ask(older)), useQuery(ask(newer))];
  const error = left.error ?? right.error;
  if (error) return <Failure error={error} retry={() => void Promise.all([left.refetch(), right.refetch()])} />;
  if (!left.data || !right.data) return <Loading rows={4} />;
  return <Drawn newer={right.data} older={left.data} />;
}
