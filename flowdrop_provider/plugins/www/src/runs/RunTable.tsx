import { Box, Table, Text } from "@chakra-ui/react";
import { Link } from "react-router-dom";

import { StatusBadge } from "../components/StatusBadge";
import { ago, between, duration, moment } from "../format";
import { dagOf, runPath } from "../paths";
import { isFinal } from "../status";
import { TEXT } from "../text";
import type { RunRow } from "../types";

function Row({ row, now }: { row: RunRow; now: number }) {
  const end = isFinal(row.outcome) ? row.lastExecuted : new Date(now).toISOString();
  const by = [row.triggered_by.user, row.source ?? row.triggered_by.via ?? row.triggered_by.type].filter(Boolean).join(" · ");
  return (
    <Table.Row className="fd-run-row">
      <Table.Cell whiteSpace="nowrap"><StatusBadge status={row.outcome} /></Table.Cell>
      <Table.Cell>
        <Link className="fd-link fd-cover" to={runPath(dagOf(row.id), row.run_id)}>{row.name}</Link>
        <Text color="fg.muted" fontSize="xs" truncate>{row.run_id}</Text>
      </Table.Cell>
      <Table.Cell whiteSpace="nowrap">
        <Text as="span" title={moment(row.createdAt)}>{ago(row.createdAt, now)}</Text>
        <Text color="fg.muted" fontSize="xs">{moment(row.createdAt)}</Text>
      </Table.Cell>
      <Table.Cell whiteSpace="nowrap">{duration(between(row.createdAt, end))}</Table.Cell>
      <Table.Cell color="fg.muted">{by}</Table.Cell>
    </Table.Row>
  );
}

/** Runs, newest first; the whole row opens the drawing. */
export function RunTable({ rows, now }: { rows: RunRow[]; now: number }) {
  return (
    <Box borderRadius="md" borderWidth="1px" overflowX="auto">
      <Table.Root aria-label={TEXT.runsOf} size="sm">
        <Table.Header>
          <Table.Row>
            {[TEXT.status, TEXT.workflow, TEXT.started, TEXT.took, TEXT.by].map((name) => <Table.ColumnHeader key={name}>{name}</Table.ColumnHeader>)}
          </Table.Row>
        </Table.Header>
        <Table.Body>{rows.map((row) => <Row key={row.id} now={now} row={row} />)}</Table.Body>
      </Table.Root>
    </Box>
  );
}
