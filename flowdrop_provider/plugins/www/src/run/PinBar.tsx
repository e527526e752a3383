import { Button, Flex, Text, Textarea } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { readJobs } from "../api";
import { Ask } from "../components/Ask";
import { Icon } from "../components/Icon";
import { stateOf } from "../graph";
import { TEXT } from "../text";
import type { Job, Json, Trace } from "../types";
import { parsed } from "./form";
import { isWhole, template, usePins } from "./pins";
import { useStart } from "./useStart";

interface PinnedProps {
  label: string;
  job: Job | undefined;
  /** It failed, so there is nothing to keep: outputs must be written. */
  failed: boolean;
  /** What stands in for the recorded outputs, as typed. */
  typed: string | undefined;
  type: (text: string | undefined) => void;
}

function Pinned({ label, job, failed, typed, type }: PinnedProps) {
  const whole = isWhole(job) && !failed;
  return (
    <li>
      <Flex align="center" gap={2}>
        <Icon name="pin" size={12} />
        <Text flex="1" fontSize="sm" fontWeight="semibold">{label}</Text>
        {typed === undefined ? <Text color="fg.muted" fontSize="xs">{whole || !job ? TEXT.pinAsIs : TEXT.pinWhole}</Text> : null}
        {whole ? (
          <Button aria-label={`${typed === undefined ? TEXT.pinChange : TEXT.pinKeep}: ${label}`} size="2xs" variant="outline"
            onClick={() => type(typed === undefined ? JSON.stringify(job?.output_data, null, 2) : undefined)}>
            {typed === undefined ? TEXT.pinChange : TEXT.pinKeep}
          </Button>
        ) : null}
      </Flex>
      {typed === undefined ? null : (
        <Textarea aria-label={TEXT.outputsOf(label)} fontFamily="mono" fontSize="xs" mt={1} onChange={(event) => type(event.target.value)} rows={6}
          spellCheck={false} value={typed} />
      )}
    </li>
  );
}

type Named = { id: string; label: string };

function PinDialog({ trace, nodes, close }: { trace: Trace; nodes: Named[]; close: () => void }) {
  const { run } = trace;
  const start = useStart(run);
  const [typed, setTyped] = useState<Record<string, string | undefined>>({});
  const { data } = useQuery({ queryKey: ["jobs", run.id], queryFn: ({ signal }) => readJobs(run.id, signal), staleTime: Infinity });
  const failed = (id: string) => stateOf(trace, id).status === "failed";
  const textOf = (id: string) => typed[id] ?? (failed(id) ? template(trace.graph, id) : undefined);
  const standIn = (id: string): Record<string, Json> | null => {
    const text = textOf(id);
    return text === undefined ? null : parsed(text, TEXT.notOutputs);
  };
  const act = async () => start({ pins: Object.fromEntries(nodes.map(({ id }) => [id, standIn(id)])) });
  return (
    <Ask act={act} close={close} confirm={TEXT.startRun} title={TEXT.pinTitle}>
      <Text fontSize="sm" mb={3}>{TEXT.pinMore}</Text>
      <ul className="fd-pins">
        {nodes.map(({ id, label }) => (
          <Pinned failed={failed(id)} job={data?.findLast((job) => job.node_id === id)} key={id} label={label}
            type={(text) => setTyped({ ...typed, [id]: text })} typed={textOf(id)} />
        ))}
      </ul>
    </Ask>
  );
}

/** Which outputs are pinned, and the way to a run with them. */
export function PinBar({ trace }: { trace: Trace }) {
  const { ids, clear } = usePins();
  const [open, setOpen] = useState(false);
  const nodes = (trace.graph.nodes ?? []).filter((node) => ids.includes(node.id));
  if (nodes.length === 0) return null;
  return (
    <Flex align="center" bg="bg.muted" borderBottomWidth="1px" gap={2} px={4} py={1.5} role="toolbar">
      <Icon name="pin" />
      <Text flex="1" fontSize="sm" minW={0} role="status" truncate>{TEXT.pins(nodes.map((node) => node.label))}</Text>
      <Button colorPalette="blue" flex="none" onClick={() => setOpen(true)} size="xs"><Icon name="again" />{TEXT.runPinned}</Button>
      <Button flex="none" onClick={clear} size="xs" variant="ghost">{TEXT.unpinAll}</Button>
      {open ? <PinDialog close={() => setOpen(false)} nodes={nodes} trace={trace} /> : null}
    </Flex>
  );
}
