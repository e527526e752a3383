import { Box, Button, Flex, Heading, Table, Text } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";

import { readAudit } from "../api";
import { Choice } from "../components/Choice";
import { Icon } from "../components/Icon";
import { Failure, Loading, Notice } from "../components/Messages";
import { download } from "../download";
import { moment } from "../format";
import { runPath } from "../paths";
import { setPlace, usePlace } from "../place";
import { useWorkflows } from "../runs/useRuns";
import { TEXT } from "../text";
import type { AuditEntry, Page } from "../types";
import { csvOf } from "./csv";
import { Revisions } from "./Revisions";

function Row({ entry }: { entry: AuditEntry }) {
  const { details } = entry;
  const where = [details.method, details.path].filter((part) => typeof part === "string").join(" ");
  return (
    <Table.Row>
      <Table.Cell whiteSpace="nowrap">{moment(entry.at)}</Table.Cell>
      <Table.Cell>{entry.user}</Table.Cell>
      <Table.Cell>{TEXT.events[entry.event] ?? entry.event}</Table.Cell>
      <Table.Cell>
        {entry.dag_id && entry.run_id ? <Link className="fd-link" to={runPath(entry.dag_id, entry.run_id)}>{entry.dag_id}</Link> : entry.dag_id}
        <Text color="fg.muted" fontSize="xs">{[entry.run_id, entry.task_id].filter(Boolean).join(" · ")}</Text>
      </Table.Cell>
      <Table.Cell color="fg.muted" fontSize="xs" maxW="18rem" overflowWrap="anywhere">{where}</Table.Cell>
    </Table.Row>
  );
}

function Entries({ workflow, event }: { workflow: string; event: string }) {
  const query = useInfiniteQuery({
    queryKey: ["audit", workflow, event], initialPageParam: "",
    queryFn: ({ pageParam, signal }) => readAudit({ workflow_id: workflow, event, by_people: "true", limit: 100, cursor: pageParam }, signal),
    getNextPageParam: (page: Page<AuditEntry>) => page.pagination.next_cursor ?? undefined,
  });
  if (query.isPending) return <Loading rows={6} />;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  const entries = query.data.pages.flatMap((page) => page.data);
  if (entries.length === 0) return <Notice icon="audit" title={TEXT.noEntries}>{TEXT.noEntriesMore}</Notice>;
  return (
    <>
      <Flex align="center" gap={2} mb={2}>
        <Heading flex="1" size="sm">{TEXT.entries}</Heading>
        <Button onClick={() => download("flowdrop-audit.csv", csvOf(entries), "text/csv")} size="xs" variant="outline"><Icon name="export" />CSV</Button>
        <Button onClick={() => download("flowdrop-audit.json", JSON.stringify(entries, null, 2), "application/json")} size="xs" variant="outline"><Icon name="export" />JSON</Button>
      </Flex>
      <Box borderRadius="md" borderWidth="1px" overflowX="auto">
        <Table.Root aria-label={TEXT.entries} size="sm">
          <Table.Header><Table.Row>
            {[TEXT.when, TEXT.who, TEXT.what, TEXT.onWhat, TEXT.where].map((name) => <Table.ColumnHeader key={name}>{name}</Table.ColumnHeader>)}
          </Table.Row></Table.Header>
          <Table.Body>{entries.map((entry) => <Row entry={entry} key={entry.id} />)}</Table.Body>
        </Table.Root>
      </Box>
      {query.hasNextPage ? <Flex justify="center" mt={3}><Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()} size="sm" variant="outline">{TEXT.olderEntries}</Button></Flex> : null}
    </>
  );
}

/** Who did what and when, the revisions of a workflow and what ran by each. */
export function AuditView({ dagId }: { dagId: string | undefined }) {
  const place = usePlace();
  const workflows = useWorkflows().data ?? [];
  const workflow = dagId ?? place.get("workflow") ?? "";
  const event = place.get("event") ?? "";
  return (
    <Flex direction="column" gap={4}>
      <Flex gap={2} wrap="wrap">
        {dagId ? null : (
          <Choice change={(value) => setPlace({ workflow: value || undefined })} label={TEXT.workflow}
            options={[["", TEXT.allWorkflows], ...workflows.map((known): [string, string] => [known.id, known.name])]} value={workflow} />
        )}
        <Choice change={(value) => setPlace({ event: value || undefined })} label={TEXT.what} options={[["", TEXT.anyEvent], ...Object.entries(TEXT.events)]} value={event} />
      </Flex>
      {workflow ? <Revisions key={workflow} workflowId={workflow} /> : <Text color="fg.muted" fontSize="sm">{TEXT.chooseForRevisions}</Text>}
      <Box><Entries event={event} workflow={workflow} /></Box>
    </Flex>
  );
}
