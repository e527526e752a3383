import { Checkbox, Flex, Text, Textarea } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { readInputs } from "../api";
import { Ask } from "../components/Ask";
import { TEXT } from "../text";
import type { Run } from "../types";
import { parsed } from "./form";
import { useStart } from "./useStart";

interface RerunDialogProps {
  run: Run;
  /** The node to begin at and its label; the whole run without. */
  from?: { id: string; label: string };
  close: () => void;
}

function Inputs({ text, change }: { text: string; change: (text: string) => void }) {
  return (
    <Flex direction="column" gap={1} mt={3}>
      <Text as="label" fontSize="sm" fontWeight="semibold" id="fd-inputs">{TEXT.inputs}</Text>
      <Textarea aria-labelledby="fd-inputs" fontFamily="mono" fontSize="xs" onChange={(event) => change(event.target.value)} rows={10}
        spellCheck={false} value={text} />
    </Flex>
  );
}

/** Starts a new run from an ended one and goes there. */
export function RerunDialog({ run, from, close }: RerunDialogProps) {
  const start = useStart(run);
  const [own, setOwn] = useState(false);
  const [typed, setTyped] = useState<string>();
  const known = useQuery({ queryKey: ["inputs", run.id], queryFn: ({ signal }) => readInputs(run.dag_id, run.run_id, signal), enabled: own });
  const text = typed ?? JSON.stringify(known.data ?? {}, null, 2);
  const act = async () => start({ ...(own ? { inputs: parsed(text, TEXT.notInputs) } : {}), ...(from ? { from_node: from.id } : {}) });
  return (
    <Ask act={act} close={close} confirm={TEXT.startRun} title={from ? TEXT.rerunFromTitle(from.label) : TEXT.rerunTitle}>
      <Text fontSize="sm" mb={3}>{from ? TEXT.rerunFromMore : TEXT.rerunMore}</Text>
      <Checkbox.Root checked={own} onCheckedChange={({ checked }) => setOwn(checked === true)} size="sm">
        <Checkbox.HiddenInput /><Checkbox.Control /><Checkbox.Label>{TEXT.changeInputs}</Checkbox.Label>
      </Checkbox.Root>
      {own ? <Inputs change={setTyped} text={text} /> : null}
    </Ask>
  );
}
