import { Box, Checkbox, Table, Text } from "@chakra-ui/react";
import { Link } from "react-router-dom";

import { StatusBadge } from "../components/StatusBadge";
import { ago, between, duration, moment } from "../format";
import { runPath } from "../paths";
import { isFinal, wayOf } from "../status";
import { TEXT } from "../text";
import type { RunRow } from "../types";

interface PickProps {
  label: string;
  checked: boolean | "indeterminate";
  change: (checked: boolean) => void;
}

function Pick({ label, checked, change }: PickProps) {
  return (
    <Checkbox.Root aria-label={label} checked={checked} onCheckedChange={(event) => change(event.checked === true)} size="sm">
      <Checkbox.HiddenInput aria-label={label} /><Checkbox.Control />
    </Checkbox.Root>
  );
}

interface RowProps {
  row: RunRow;
  now: number;
  picked: boolean;
  pick: (picked: boolean) => void;
}

/** What ended a run, or what it went on past, and which nodes that were. */
function Reason({ row: { error, handled_node_ids: handled } }: { row: RunRow }) {
  const nodes = error?.node_id ? [error.node_id] : handled;
  return (
    <>
      {error ? <Text className="fd-reason" fontSize="sm" title={error.message ?? ""}>{error.message}</Text> : null}
      {handled.length > 0 ? <Text className="fd-reason fd-handled" fontSize="sm">{TEXT.handled(handled.length)}</Text> : null}
      {nodes.length > 0 ? <Text color="fg.muted" fontSize="xs" truncate>{nodes.join(", ")}</Text> : null}
    </>
  );
}

function Row({ row, now, picked, pick }: RowProps) {
  const end = isFinal(row.outcome) ? row.lastExecuted : new Date(now).toISOString();
  return (
    <Table.Row className="fd-run-row" data-selected={picked ? "" : undefined}>
      <Table.Cell className="fd-pick-cell"><Pick change={pick} checked={picked} label={`${TEXT.pick} ${row.name} ${moment(row.createdAt)}`} /></Table.Cell>
      <Table.Cell whiteSpace="nowrap"><StatusBadge status={row.outcome} /></Table.Cell>
      <Table.Cell>
        <Link className="fd-link fd-cover" to={runPath(row.dag_id, row.run_id)}>{row.name}</Link>
        <Text color="fg.muted" fontSize="xs" maxW="22rem" truncate>{row.run_id}</Text>
      </Table.Cell>
      <Table.Cell maxW="26rem">
        <Reason row={row} />
      </Table.Cell>
      <Table.Cell whiteSpace="nowrap">
        <Text as="span" title={moment(row.createdAt)}>{ago(row.createdAt, now)}</Text>
        <Text color="fg.muted" fontSize="xs">{moment(row.createdAt)}</Text>
      </Table.Cell>
      <Table.Cell whiteSpace="nowrap">{duration(between(row.createdAt, end))}</Table.Cell>
      <Table.Cell whiteSpace="nowrap">
        <Text>{row.triggered_by.user ?? TEXT.nobody}</Text>
        <Text color="fg.muted" fontSize="xs">{wayOf({ ...row.triggered_by, source: row.source })}</Text>
      </Table.Cell>
    </Table.Row>
  );
}

interface RunTableProps {
  rows: RunRow[];
  now: number;
  picked: Set<string>;
  pick: (ids: Set<string>) => void;
}

const COLUMNS = [TEXT.status, TEXT.workflow, TEXT.reason, TEXT.started, TEXT.took, TEXT.by];

/** Runs, newest first; the whole row opens the drawing. */
export function RunTable({ rows, now, picked, pick }: RunTableProps) {
  const toggle = (id: string, wanted: boolean) => {
    const next = new Set(picked);
    if (wanted) next.add(id);
    else next.delete(id);
    pick(next);
  };
  const count = rows.filter((row) => picked.has(row.id)).length;
  return (
    <Box borderRadius="md" borderWidth="1px" overflowX="auto">
      <Table.Root aria-label={TEXT.runsOf} size="sm">
        <Table.Header>
          <Table.Row>
            <Table.ColumnHeader width="36px">
              <Pick change={(all) => pick(new Set(all ? rows.map((row) => row.id) : []))} checked={count > 0 && count < rows.length ? "indeterminate" : count > 0} label={TEXT.pickAll} />
            </Table.ColumnHeader>
            {COLUMNS.map((name) => <Table.ColumnHeader key={name}>{name}</Table.ColumnHeader>)}
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {rows.map((row) => <Row key={row.id} now={now} pick={(wanted) => toggle(row.id, wanted)} picked={picked.has(row.id)} row={row} />)}
        </Table.Body>
      </Table.Root>
    </Box>
  );
}
