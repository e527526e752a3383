import { Box, Table, Text } from "@chakra-ui/react";
import { useState } from "react";

import { percent } from "../format";
import { TEXT } from "../text";
import type { Group } from "../types";
import { change, nameOf, ranked, seconds, type Order } from "./figures";

const MOST = 50;
const ORDERS: Order[] = ["count", "failed", "slow"];

function Row({ group, longest, choose }: { group: Group; longest: number; choose: ((group: Group) => void) | undefined }) {
  const { duration_s: took, previous } = group;
  const name = nameOf(group);
  return (
    <Table.Row>
      <Table.Cell maxW="20rem">
        {choose ? <button className="fd-link" onClick={() => choose(group)} type="button">{name}</button> : <Text fontWeight="semibold">{name}</Text>}
        {group.node_id ? <Text color="fg.muted" fontSize="xs">{group.name} · {group.node_id}</Text> : null}
      </Table.Cell>
      <Table.Cell textAlign="end">{group.count}</Table.Cell>
      <Table.Cell textAlign="end">
        {group.failed > 0 ? <Text color="red.fg" fontWeight="semibold">{percent(group.failure_rate)}</Text> : <Text color="fg.muted">0 %</Text>}
      </Table.Cell>
      <Table.Cell textAlign="end">{seconds(took.mean)}</Table.Cell>
      <Table.Cell textAlign="end">{seconds(took.p50)}</Table.Cell>
      <Table.Cell minW="9rem">
        <Box className="fd-meter"><span style={{ width: `${((took.p95 ?? 0) / Math.max(longest, Number.EPSILON)) * 100}%` }} /></Box>
        <Text fontSize="xs">{seconds(took.p95)}</Text>
      </Table.Cell>
      <Table.Cell color="fg.muted" textAlign="end">{change(took.p50, previous?.duration_s.p50) || "–"}</Table.Cell>
    </Table.Row>
  );
}

/** Figures by workflow, node or kind of node; the most, the most failing or the slowest first. */
export function GroupTable({ groups, choose }: { groups: Group[]; choose?: (group: Group) => void }) {
  const [order, setOrder] = useState<Order>("count");
  const longest = Math.max(...groups.map((group) => group.duration_s.p95 ?? 0), 0);
  const head = (label: string, wanted: Order | undefined) => (
    <Table.ColumnHeader aria-sort={wanted === order ? "descending" : undefined} key={label} textAlign={label === TEXT.name || label === TEXT.p95 ? "start" : "end"}>
      {wanted ? <button className="fd-sort" onClick={() => setOrder(wanted)} type="button">{label}{wanted === order ? " ↓" : ""}</button> : label}
    </Table.ColumnHeader>
  );
  return (
    <Box borderRadius="md" borderWidth="1px" overflowX="auto">
      <Table.Root size="sm">
        <Table.Header>
          <Table.Row>
            {head(TEXT.name, undefined)}{head(TEXT.count, ORDERS[0])}{head(TEXT.failureRate, ORDERS[1])}{head(TEXT.mean, undefined)}
            {head(TEXT.p50, undefined)}{head(TEXT.p95, ORDERS[2])}{head(TEXT.change, undefined)}
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {ranked(groups, order).slice(0, MOST).map((group) => (
            <Row choose={choose} group={group} key={`${group.dag_id ?? ""} ${group.node_id ?? group.node_type_id ?? ""}`} longest={longest} />
          ))}
        </Table.Body>
      </Table.Root>
    </Box>
  );
}
