import { Box, Dialog, CloseButton, Portal, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { readRuns } from "../api";
import { Failure, Loading } from "../components/Messages";
import { StatusBadge } from "../components/StatusBadge";
import { between, duration, moment } from "../format";
import { setPlace } from "../place";
import { TEXT } from "../text";
import type { Run } from "../types";

/** Which other run of the workflow to lay beside this one. */
function Others({ run, close }: { run: Run; close: () => void }) {
  const query = useQuery({ queryKey: ["others", run.dag_id], queryFn: ({ signal }) => readRuns({ workflow_id: run.dag_id, limit: 50 }, signal) });
  if (query.isPending) return <Loading rows={3} />;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  const others = query.data.data.filter((row) => row.id !== run.id);
  if (others.length === 0) return <Text color="fg.muted">{TEXT.noOthers}</Text>;
  return (
    <Box as="ul" className="fd-pick-list">
      {others.map((row) => (
        <li key={row.id}>
          <button className="fd-pick" onClick={() => { setPlace({ with: row.id }); close(); }} type="button">
            <StatusBadge status={row.outcome} />
            <span>{moment(row.createdAt)}</span>
            <span className="fd-pick-more">{duration(between(row.createdAt, row.lastExecuted))}</span>
            <span className="fd-pick-more">{row.triggered_by.user}</span>
          </button>
        </li>
      ))}
    </Box>
  );
}

/** Choosing the run to compare with. */
export function CompareDialog({ run, close }: { run: Run; close: () => void }) {
  return (
    <Dialog.Root onOpenChange={({ open }) => open || close()} open scrollBehavior="inside">
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content>
            <Dialog.Header><Dialog.Title>{TEXT.compareTitle}</Dialog.Title></Dialog.Header>
            <Dialog.Body><Others close={close} run={run} /></Dialog.Body>
            <Dialog.CloseTrigger asChild><CloseButton aria-label={TEXT.close} size="sm" /></Dialog.CloseTrigger>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
}
