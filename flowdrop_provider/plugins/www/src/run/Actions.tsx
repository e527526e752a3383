import { Button, Input, Menu, Portal, Text } from "@chakra-ui/react";
import { useQueryClient } from "@tanstack/react-query";
import type { Edge } from "@xyflow/react";
import { useState } from "react";

import { readBundle, stopRun } from "../api";
import { Ask } from "../components/Ask";
import { Icon } from "../components/Icon";
import { download, fileName } from "../download";
import { firstFailed, type Card } from "../graph";
import { useRights } from "../rights";
import { isFinal } from "../status";
import { TEXT } from "../text";
import type { Rights, Run, Trace } from "../types";
import { CompareDialog } from "./CompareDialog";
import { pngOf, svgOf } from "./picture";
import { RerunDialog } from "./RerunDialog";
import { curlOf, markdownOf } from "./summary";

interface ActionsProps {
  trace: Trace;
  cards: Card[];
  lines: Edge[];
}

type Doing = "rerun" | "retry" | "stop" | "compare" | undefined;

function StopDialog({ run, close }: { run: Run; close: () => void }) {
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const act = async () => {
    await stopRun(run.id, reason);
    await client.invalidateQueries();
  };
  return (
    <Ask act={act} close={close} confirm={TEXT.stopRun} danger title={TEXT.stopTitle}>
      <Text fontSize="sm" mb={3}>{TEXT.stopMore}</Text>
      <Input aria-label={TEXT.stopReason} onChange={(event) => setReason(event.target.value)} placeholder={TEXT.stopReason} size="sm" value={reason} />
    </Ask>
  );
}

/** What to do with an export, by the value of its menu item. */
async function take(kind: string, { trace, cards, lines }: ActionsProps): Promise<string> {
  const { run } = trace;
  const name = fileName(run.workflow_id, run.run_id);
  const title = `${run.name} · ${run.run_id}`;
  if (kind === "curl") {
    await navigator.clipboard.writeText(curlOf(run, undefined));
    return TEXT.copiedCurl;
  }
  if (kind === "summary") {
    await navigator.clipboard.writeText(markdownOf(trace, location.href));
    return TEXT.copiedSummary;
  }
  if (kind === "svg") download(`${name}.svg`, svgOf(cards, lines, title), "image/svg+xml");
  if (kind === "png") download(`${name}.png`, await pngOf(svgOf(cards, lines, title)));
  if (kind === "md") download(`${name}.md`, markdownOf(trace, location.href), "text/markdown");
  if (kind === "json") download(`${name}.json`, JSON.stringify(await readBundle(run.id), null, 2), "application/json");
  return TEXT.downloaded;
}

function More({ rights, ...given }: ActionsProps & { rights: Rights }) {
  const [said, setSaid] = useState("");
  const select = (kind: string) => {
    take(kind, given).then(setSaid, (error: unknown) => setSaid(error instanceof Error ? error.message : String(error)));
    setTimeout(() => setSaid(""), 4000);
  };
  const items: [string, string][] = [
    ...(rights.start ? [["curl", TEXT.copyCurl] as [string, string]] : []),
    ["summary", TEXT.copySummary], ["md", TEXT.getMarkdown], ["svg", TEXT.getSvg], ["png", TEXT.getPng],
    ...(rights.values ? [["json", TEXT.getJson] as [string, string]] : []),
  ];
  return (
    <>
      <Menu.Root lazyMount onSelect={({ value }) => select(value)} positioning={{ placement: "bottom-end" }}>
        <Menu.Trigger asChild><Button size="xs" variant="outline"><Icon name="export" />{TEXT.takeAway}</Button></Menu.Trigger>
        <Portal><Menu.Positioner><Menu.Content>
          {items.map(([value, label]) => <Menu.Item key={value} value={value}>{label}</Menu.Item>)}
        </Menu.Content></Menu.Positioner></Portal>
      </Menu.Root>
      {said ? <Text className="fd-said" role="status">{said}</Text> : null}
    </>
  );
}

function Dialogs({ doing, run, failed, close }: { doing: Doing; run: Run; failed: { id: string; label: string } | undefined; close: () => void }) {
  if (doing === "stop") return <StopDialog close={close} run={run} />;
  if (doing === "rerun") return <RerunDialog close={close} run={run} />;
  if (doing === "retry" && failed) return <RerunDialog close={close} from={failed} run={run} />;
  return doing === "compare" ? <CompareDialog close={close} run={run} /> : null;
}

/** What can be done with a run; only what its reader may do is shown. */
export function Actions(given: ActionsProps) {
  const { run, graph } = given.trace;
  const rights = useRights([run.dag_id]).of(run.dag_id);
  const [doing, setDoing] = useState<Doing>();
  const failedId = firstFailed(given.trace);
  const failed = graph.nodes?.find((node) => node.id === failedId);
  const ended = isFinal(run.status);
  return (
    <>
      {ended && rights.start && failed && run.status === "failed"
        ? <Button colorPalette="blue" onClick={() => setDoing("retry")} size="xs"><Icon name="again" />{TEXT.retryFailed}</Button> : null}
      {ended && rights.start ? <Button onClick={() => setDoing("rerun")} size="xs" variant="outline"><Icon name="again" />{TEXT.rerun}</Button> : null}
      {!ended && rights.stop ? <Button colorPalette="red" onClick={() => setDoing("stop")} size="xs" variant="subtle"><Icon name="ban" />{TEXT.stop}</Button> : null}
      <Button onClick={() => setDoing("compare")} size="xs" variant="outline"><Icon name="compare" />{TEXT.compare}</Button>
      <More {...given} rights={rights} />
      <Dialogs close={() => setDoing(undefined)} doing={doing} failed={failed} run={run} />
    </>
  );
}
