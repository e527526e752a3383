import { Box, Button, Flex, Heading, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Link } from "react-router-dom";

import { Icon } from "../components/Icon";
import { StatusBadge } from "../components/StatusBadge";
import { between, duration, moment } from "../format";
import { reasonBesideNodes } from "../graph";
import { keyOf, runPath } from "../paths";
import { isFinal, LOOKS, wayOf } from "../status";
import { TEXT } from "../text";
import type { JobStatus, Trace } from "../types";

interface HeaderProps {
  trace: Trace;
  lost: boolean;
  table: boolean;
  setTable: (table: boolean) => void;
  focusFailed: (() => void) | undefined;
  /** A node that waits for a person, and how to go there. */
  focusWaiting: (() => void) | undefined;
  children: ReactNode;
}

/** The run that this one repeats, if it does. */
function RepeatOf({ id }: { id: string }) {
  return <Link className="fd-link" to={runPath(...keyOf(id))}>{TEXT.repeatOf(keyOf(id)[1])}</Link>;
}

const COUNTED: JobStatus[] = ["completed", "failed", "running", "interrupted", "pending", "skipped", "cancelled"];

function Counts({ summary }: { summary: Record<string, number> }) {
  return COUNTED.filter((status) => (summary[status] ?? 0) > 0).map((status) => (
    <Text as="span" color={`${LOOKS[status].palette}.fg`} fontSize="xs" key={status} title={LOOKS[status].label}>
      <Flex align="center" as="span" display="inline-flex" gap={1}><Icon name={LOOKS[status].icon} size={12} />{summary[status]} {LOOKS[status].label.toLowerCase()}</Flex>
    </Text>
  ));
}

/** What the run is and how it stands, in one line. */
export function Header({ trace, lost, table, setTable, focusFailed, focusWaiting, children }: HeaderProps) {
  const { run, summary } = trace;
  const reason = reasonBesideNodes(trace);
  const who = [run.triggered.user, wayOf(run.triggered)].filter(Boolean).join(" · ");
  return (
    <Flex align="center" borderBottomWidth="1px" columnGap={4} px={4} py={2} rowGap={1} wrap="wrap">
      <Box flex="1 1 320px" minW={0}>
        <Flex align="center" gap={2}>
          <Heading size="sm" truncate>{run.name}</Heading>
          <StatusBadge status={run.status} />
          {isFinal(run.status) ? null : <span className="fd-live" role="status">{lost ? TEXT.lost : TEXT.live}</span>}
        </Flex>
        <Flex columnGap={3} rowGap={0} wrap="wrap"><Counts summary={summary} /></Flex>
        <Text color="fg.muted" fontSize="xs">
          {[moment(run.started ?? run.created), duration(between(run.started, run.completed)), who].filter(Boolean).join(" · ")}
          {trace.editor_url ? <> · <a className="fd-link fd-outside" href={trace.editor_url} rel="noreferrer" target="_blank">{TEXT.openInDrupal}<Icon name="outside" size={11} /></a></> : null}
          {run.rerun_of ? <> · <RepeatOf id={run.rerun_of} /></> : null}
        </Text>
        {reason ? <Text className="fd-reason" fontSize="sm">{reason}</Text> : null}
        {run.note ? <Text fontSize="xs">{run.note}</Text> : null}
      </Box>
      <Flex className="fd-actions" gap={1.5} justify="flex-end" wrap="wrap">
        {focusWaiting ? <Button colorPalette="orange" onClick={focusWaiting} size="xs" variant="solid"><Icon name="hand" />{TEXT.goToQuestion}</Button> : null}
        {focusFailed ? <Button colorPalette="red" onClick={focusFailed} size="xs" variant="subtle"><Icon name="focus" />{TEXT.firstFailure}</Button> : null}
        <Button onClick={() => setTable(!table)} size="xs" variant="outline"><Icon name="table" />{table ? TEXT.showDrawing : TEXT.showTable}</Button>
        {children}
      </Flex>
    </Flex>
  );
}
