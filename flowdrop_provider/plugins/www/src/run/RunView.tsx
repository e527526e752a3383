import { Box, Flex } from "@chakra-ui/react";
import { ReactFlowProvider } from "@xyflow/react";
import { useMemo, useState, type KeyboardEvent } from "react";

import { ApiError, pipelineId } from "../api";
import { Failure, Loading, Notice } from "../components/Messages";
import { useKeptFocus } from "../components/useKeptFocus";
import { useRoom } from "../components/useRoom";
import { useTrace } from "../follow";
import { cards as cardsOf, firstFailed, lines as linesOf, neighbour } from "../graph";
import { readPlace, setPlace, usePlace } from "../place";
import { isFinal, LOOKS } from "../status";
import { TEXT } from "../text";
import type { Trace } from "../types";
import { Canvas } from "./Canvas";
import { Drawer } from "./Drawer";
import { Header } from "./Header";
import { NodeTable } from "./NodeTable";
import { Timeline } from "./Timeline";

const select = (id: string | undefined) => setPlace({ node: id ?? "" });

/** The chosen node: the address's, else the one that failed in a run that has ended, until somebody chooses. */
function chosen(trace: Trace, asked: string | null): string | undefined {
  const failed = isFinal(trace.run.status) ? firstFailed(trace) : undefined;
  return asked === null ? failed : asked || undefined;
}

function Said({ trace, selected }: { trace: Trace; selected: string | undefined }) {
  const node = trace.graph.nodes?.find((drawn) => drawn.id === selected);
  const status = selected ? trace.nodes[selected]?.status ?? "idle" : "idle";
  return <span aria-live="polite" className="fd-unseen">{node ? `${node.label}: ${LOOKS[status].label}` : ""}</span>;
}

function Loaded({ trace, lost }: { trace: Trace; lost: boolean }) {
  const selected = chosen(trace, usePlace().get("node"));
  const canvas = useKeptFocus();
  const [table, setTable] = useState(false);
  const [frame, height] = useRoom();
  const cards = useMemo(() => cardsOf(trace), [trace]);
  const lines = useMemo(() => linesOf(trace), [trace]);
  const failed = firstFailed(trace);
  const onKeyDown = (event: KeyboardEvent) => {
    // The address is newer than what was rendered when keys come quickly.
    const now = chosen(trace, readPlace().get("node"));
    if (event.key.startsWith("Arrow")) select(neighbour(cards, lines, now ?? "", event.key) ?? now);
    else if (event.key === "Escape") select(undefined);
    else if (event.key === "f" && failed) select(failed);
    else return;
    event.preventDefault();
  };
  return (
    <Flex className="fd-run" direction="column" ref={frame} style={{ height }}>
      <Header focusFailed={failed ? () => select(failed) : undefined} lost={lost} setTable={setTable} table={table} trace={trace} />
      <Flex flex="1" minH={0}>
        <Flex direction="column" flex="1" minW={0}>
          {table ? <NodeTable select={select} trace={trace} /> : (
            <Box aria-label={TEXT.canvas} className="fd-canvas" flex="1" minH={0} onKeyDown={onKeyDown} ref={canvas} role="group" tabIndex={0}>
              <Canvas cards={cards} lines={lines} select={select} selected={selected} />
            </Box>
          )}
          <Timeline select={select} selected={selected} trace={trace} />
        </Flex>
        {selected ? <Drawer close={() => select(undefined)} key={selected} nodeId={selected} trace={trace} /> : null}
      </Flex>
      <Said selected={selected} trace={trace} />
    </Flex>
  );
}

/** The drawing of one run with what happened on it; follows the run while it goes on. */
export function RunView({ dagId, runId }: { dagId: string; runId: string }) {
  const query = useTrace(pipelineId(dagId, runId));
  if (query.isPending) return <Loading />;
  if (query.error instanceof ApiError && query.error.status === 404) {
    return <Notice title={TEXT.notFlowDrop}>{TEXT.notFlowDropMore}</Notice>;
  }
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data.graph.nodes?.length) return <Notice title={TEXT.noDrawing}>{TEXT.noDrawingMore}</Notice>;
  return <ReactFlowProvider><Loaded lost={query.lost} trace={query.data} /></ReactFlowProvider>;
}
