import { Button, Flex, Input } from "@chakra-ui/react";
import { useEffect, useState } from "react";

import { Choice } from "../components/Choice";
import { Icon } from "../components/Icon";
import { LOOKS } from "../status";
import { TEXT } from "../text";
import type { RunStatus } from "../types";
import { isNarrowed, PERIODS, STATUSES, type Filters } from "./filters";
import { useCounts, useWorkflows } from "./useRuns";

const PAUSE = 350;

type Set = (name: keyof Filters, value: string) => void;

function StatusButtons({ filters, set }: { filters: Filters; set: Set }) {
  const counts = useCounts(filters);
  const of = (status: RunStatus) => counts?.[status] ?? 0;
  const all = STATUSES.reduce((sum, status) => sum + of(status), 0);
  const shown = STATUSES.filter((status) => of(status) > 0 || filters.status === status);
  const button = (status: RunStatus | "", label: string, count: number) => {
    const pressed = filters.status === status;
    const palette = status === "" ? "gray" : LOOKS[status].palette;
    return (
      <Button aria-pressed={pressed} borderRadius="full" colorPalette={palette} key={status} onClick={() => set("status", status)} size="xs"
        variant={pressed ? "solid" : "outline"}>
        {status === "" ? null : <Icon name={LOOKS[status].icon} size={12} />}
        {label} {counts ? <strong>{count}</strong> : null}
      </Button>
    );
  };
  return (
    <Flex aria-label={TEXT.status} gap={2} role="group" wrap="wrap">
      {[button("", TEXT.all, all), ...shown.map((status) => button(status, LOOKS[status].label, of(status)))]}
    </Flex>
  );
}

/** A text to search for; takes effect when typing stops. */
function Part({ name, label, value, set }: { name: keyof Filters; label: string; value: string; set: Set }) {
  const [typed, setTyped] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setTyped(value);
  }
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => set(name, typed), PAUSE);
    return () => clearTimeout(timer);
  }, [typed, value, name, set]);
  return <Input aria-label={label} flex="1 1 9rem" maxW="15rem" onChange={(event) => setTyped(event.target.value)} placeholder={label} size="sm" type="search" value={typed} />;
}

interface FilterBarProps {
  filters: Filters;
  set: Set;
  clear: () => void;
  fixed: boolean;
}

/** What the list is narrowed to. `fixed` leaves the workflow out: a DAG's own page shows only its runs. */
export function FilterBar({ filters, set, clear, fixed }: FilterBarProps) {
  const workflows = useWorkflows().data ?? [];
  const names: [string, string][] = workflows.map((workflow) => [workflow.id, workflow.name]);
  const narrowed = isNarrowed({ ...filters, workflow: fixed ? "" : filters.workflow });
  return (
    <Flex direction="column" gap={3}>
      <Flex align="center" gap={2} wrap="wrap">
        {fixed ? null : <Choice change={(value) => set("workflow", value)} label={TEXT.workflow} options={[["", TEXT.allWorkflows], ...names]} value={filters.workflow} />}
        <Choice change={(value) => set("time", value)} label={TEXT.time}
          options={[["", TEXT.anyTime], ...Object.entries(PERIODS).map(([key, period]): [string, string] => [key, period.label])]} value={filters.time} />
        <Choice change={(value) => set("trigger", value)} label={TEXT.by} options={[["", TEXT.anyTrigger], ...Object.entries(TEXT.triggers)]} value={filters.trigger} />
        <Part label={TEXT.user} name="user" set={set} value={filters.user} />
        <Part label={TEXT.errorText} name="error" set={set} value={filters.error} />
        <Part label={TEXT.nodeId} name="node_id" set={set} value={filters.node_id} />
        {narrowed ? <Button onClick={clear} size="sm" variant="ghost">{TEXT.clear}</Button> : null}
      </Flex>
      <StatusButtons filters={filters} set={set} />
    </Flex>
  );
}
