import { Box, Heading, Table, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { readRevisions } from "../api";
import { Failure, Loading, Notice } from "../components/Messages";
import { moment } from "../format";
import { TEXT } from "../text";
import type { Revision } from "../types";
import { RevisionDiff } from "./RevisionDiff";

function Row({ revision, side, choose }: { revision: Revision; side: string; choose: (side: "older" | "newer") => void }) {
  const radio = (name: "older" | "newer") => (
    <Table.Cell textAlign="center"><input aria-label={`${TEXT[name]} ${revision.revision.slice(0, 8)}`} checked={side === name} name={`fd-${name}`} onChange={() => choose(name)} type="radio" /></Table.Cell>
  );
  return (
    <Table.Row>
      {radio("older")}{radio("newer")}
      <Table.Cell><code>{revision.revision.slice(0, 12)}</code></Table.Cell>
      <Table.Cell whiteSpace="nowrap">{moment(revision.first_seen)}</Table.Cell>
      <Table.Cell color="fg.muted">{revision.bundle}</Table.Cell>
      <Table.Cell textAlign="end">{revision.nodes}</Table.Cell>
      <Table.Cell textAlign="end">{revision.runs}</Table.Cell>
      <Table.Cell textAlign="end">{revision.failed ? <Text color="red.fg">{revision.failed}</Text> : "0"}</Table.Cell>
      <Table.Cell whiteSpace="nowrap">{moment(revision.last_run)}</Table.Cell>
    </Table.Row>
  );
}

const COLUMNS = [TEXT.older1, TEXT.newer1, TEXT.revision, TEXT.firstSeen, TEXT.bundle, TEXT.nodes, TEXT.runs, TEXT.failedRuns, TEXT.lastRun];

/** The revisions of a workflow with their runs; two of them on one canvas. */
export function Revisions({ workflowId }: { workflowId: string }) {
  const query = useQuery({ queryKey: ["revisions", workflowId], queryFn: ({ signal }) => readRevisions(workflowId, signal) });
  const [chosen, setChosen] = useState<{ older?: string; newer?: string }>({});
  if (query.isPending) return <Loading rows={3} />;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.data.length === 0) return <Notice icon="audit" title={TEXT.noRevisions} />;
  const newer = chosen.newer ?? query.data[0]?.revision;
  const older = chosen.older ?? query.data[1]?.revision;
  return (
    <Box>
      <Heading mb={2} size="sm">{TEXT.revisions}</Heading>
      <Box borderRadius="md" borderWidth="1px" mb={4} overflowX="auto">
        <Table.Root aria-label={TEXT.revisions} size="sm">
          <Table.Header><Table.Row>{COLUMNS.map((name) => <Table.ColumnHeader key={name}>{name}</Table.ColumnHeader>)}</Table.Row></Table.Header>
          <Table.Body>
            {query.data.map((revision) => (
              <Row choose={(side) => setChosen({ older, newer, [side]: revision.revision })} key={revision.revision} revision={revision}
                side={revision.revision === older ? "older" : revision.revision === newer ? "newer" : ""} />
            ))}
          </Table.Body>
        </Table.Root>
      </Box>
      {older && newer && older !== newer ? <RevisionDiff key={`${older} ${newer}`} newer={newer} older={older} workflowId={workflowId} /> : null}
    </Box>
  );
}
