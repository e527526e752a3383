import { Button, Flex, NativeSelect } from "@chakra-ui/react";

import { Icon } from "../components/Icon";
import { LOOKS } from "../status";
import { TEXT } from "../text";
import type { RunStatus } from "../types";
import { isNarrowed, PERIODS, STATUSES, type Filters } from "./filters";
import { useCounts, useWorkflows } from "./useRuns";

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  change: (value: string) => void;
}

function Choice({ label, value, options, change }: ChoiceProps) {
  return (
    <NativeSelect.Root size="sm" width="auto">
      <NativeSelect.Field aria-label={label} onChange={(event) => change(event.target.value)} value={value}>
        {options.map(([key, name]) => <option key={key} value={key}>{name}</option>)}
      </NativeSelect.Field>
      <NativeSelect.Indicator />
    </NativeSelect.Root>
  );
}

function StatusButtons({ filters, set }: { filters: Filters; set: (name: keyof Filters, value: string) => void }) {
  const counts = useCounts(filters.workflow);
  const shown = STATUSES.filter((status) => (counts[status] ?? 0) > 0 || filters.status === status);
  const button = (status: RunStatus | "", label: string) => {
    const pressed = filters.status === status;
    const palette = status === "" ? "gray" : LOOKS[status].palette;
    return (
      <Button aria-pressed={pressed} borderRadius="full" colorPalette={palette} key={status} onClick={() => set("status", status)} size="xs"
        variant={pressed ? "solid" : "outline"}>
        {status === "" ? null : <Icon name={LOOKS[status].icon} size={12} />}
        {label}{status === "" ? "" : <strong>{counts[status]}</strong>}
      </Button>
    );
  };
  return <Flex gap={2} role="group" wrap="wrap">{[button("", TEXT.all), ...shown.map((status) => button(status, LOOKS[status].label))]}</Flex>;
}

interface FilterBarProps {
  filters: Filters;
  set: (name: keyof Filters, value: string) => void;
  clear: () => void;
  fixed: boolean;
}

/** What the list is narrowed to. `fixed` leaves the workflow out: a DAG's own page shows only its runs. */
export function FilterBar({ filters, set, clear, fixed }: FilterBarProps) {
  const workflows = useWorkflows().data ?? [];
  const names: [string, string][] = workflows.map((workflow) => [workflow.id, workflow.name]);
  return (
    <Flex align="center" columnGap={3} justify="space-between" rowGap={2} wrap="wrap">
      <StatusButtons filters={filters} set={set} />
      <Flex gap={2} wrap="wrap">
        {isNarrowed({ ...filters, workflow: fixed ? "" : filters.workflow }) ? <Button onClick={clear} size="sm" variant="ghost">{TEXT.clear}</Button> : null}
        {fixed ? null : <Choice change={(value) => set("workflow", value)} label={TEXT.workflow} options={[["", TEXT.allWorkflows], ...names]} value={filters.workflow} />}
        <Choice change={(value) => set("time", value)} label={TEXT.time}
          options={[["", TEXT.anyTime], ...Object.entries(PERIODS).map(([key, period]): [string, string] => [key, period.label])]} value={filters.time} />
      </Flex>
    </Flex>
  );
}
