import { Box, Table } from "@chakra-ui/react";

import { StatusBadge } from "../components/StatusBadge";
import { duration } from "../format";
import { isNote, stateOf } from "../graph";
import { whyOf } from "../status";
import { TEXT } from "../text";
import type { Trace } from "../types";

/** The drawing in words: one row a node, for screen readers and for everybody who likes tables. */
export function NodeTable({ trace, select }: { trace: Trace; select: (id: string) => void }) {
  const nodes = (trace.graph.nodes ?? []).filter((node) => !isNote(node));
  return (
    <Box flex="1" overflow="auto">
      <Table.Root aria-label={`${trace.run.name}: ${TEXT.table}`} size="sm" stickyHeader>
        <Table.Header>
          <Table.Row>
            {[TEXT.node, TEXT.type, TEXT.status, TEXT.duration, TEXT.executions, TEXT.reason].map((name) => (
              <Table.ColumnHeader key={name}>{name}</Table.ColumnHeader>
            ))}
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {nodes.map((node) => {
            const state = stateOf(trace, node.id);
            return (
              <Table.Row key={node.id}>
                <Table.Cell><button className="fd-link" onClick={() => select(node.id)} type="button">{node.label}</button></Table.Cell>
                <Table.Cell color="fg.muted">{node.type}</Table.Cell>
                <Table.Cell><StatusBadge status={state.status} /></Table.Cell>
                <Table.Cell>{state.executions > 0 ? duration(state.execution_time_us) : ""}</Table.Cell>
                <Table.Cell>{state.executions || ""}</Table.Cell>
                <Table.Cell maxW="30rem">{whyOf(state)}</Table.Cell>
              </Table.Row>
            );
          })}
        </Table.Body>
      </Table.Root>
    </Box>
  );
}
