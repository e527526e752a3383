import { Box, Flex } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { ReactFlowProvider } from "@xyflow/react";
import { useMemo, useState, type KeyboardEvent } from "react";

import { ApiError, pipelineId, readComparison } from "../api";
import { Failure, Loading, Notice } from "../components/Messages";
import { useKeptFocus } from "../components/useKeptFocus";
import { useRoom } from "../components/useRoom";
import { useTrace } from "../follow";
import { cards as cardsOf, firstFailed, lines as linesOf, neighbour } from "../graph";
import { readPlace, setPlace, usePlace } from "../place";
import { isFinal, LOOKS } from "../status";
import { TEXT } from "../text";
import type { Comparison, Trace } from "../types";
import { Actions } from "./Actions";
import { Canvas } from "./Canvas";
import { beside } from "./compare";
import { CompareBar } from "./CompareBar";
import { criticalPath } from "./critical";
import { Drawer } from "./Drawer";
import { EdgePanel } from "./EdgePanel";
import { Header } from "./Header";
import { NodeTable } from "./NodeTable";
import { PinBar } from "./PinBar";
import { PinsContext } from "./pins";
import { Timeline } from "./Timeline";
import { usePlayback } from "./usePlayback";

const select = (id: string | undefined) => setPlace({ node: id ?? "", edge: undefined, attempt: undefined });

const selectEdge = (id: string) => setPlace({ node: "", edge: id, attempt: undefined });

/** The chosen node: the address's, else the one that failed in a run that has ended, until somebody chooses. */
function chosen(trace: Trace, asked: string | null): string | undefined {
  const failed = isFinal(trace.run.status) ? firstFailed(trace) : undefined;
  return asked === null ? failed : asked || undefined;
}

/** A time in the address: an ISO moment, or nothing. */
function timeOf(asked: string | null): number | undefined {
  const time = asked ? Date.parse(asked) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

function Said({ trace, selected }: { trace: Trace; selected: string | undefined }) {
  const node = trace.graph.nodes?.find((drawn) => drawn.id === selected);
  const status = selected ? trace.nodes[selected]?.status ?? "idle" : "idle";
  return <span aria-live="polite" className="fd-unseen">{node ? `${node.label}: ${LOOKS[status].label}` : ""}</span>;
}

/** The run that is laid beside this one, if the address names one. */
function useComparison(trace: Trace, other: string | null) {
  const { id, changed } = trace.run;
  return useQuery({
    queryKey: ["compare", id, other, changed], queryFn: ({ signal }) => readComparison(id, other ?? "", signal), enabled: Boolean(other),
  });
}

/** The cards and lines of what is shown, the critical path when it is wanted, and what another run says. */
function useDrawing(shown: Trace, trace: Trace, wantsCritical: boolean, comparison: Comparison | undefined, edge: string | null) {
  const critical = useMemo(() => (wantsCritical ? criticalPath(trace) : undefined), [trace, wantsCritical]);
  const marks = useMemo(() => ({
    critical: critical && new Set(critical.map((span) => span.node_id)), beside: comparison && beside(comparison), edge,
  }), [critical, comparison, edge]);
  const cards = useMemo(() => cardsOf(shown, marks), [shown, marks]);
  const lines = useMemo(() => linesOf(shown, marks), [shown, marks]);
  return { cards, lines, critical };
}

function Side({ trace, selected, comparison, edgeId }: { trace: Trace; selected: string | undefined; comparison: Comparison | undefined; edgeId: string | null }) {
  const edge = trace.graph.edges?.find((known) => known.id === edgeId);
  if (edge) return <EdgePanel close={() => setPlace({ edge: undefined })} edge={edge} key={edge.id} trace={trace} />;
  if (!selected) return null;
  return <Drawer close={() => select(undefined)} compared={comparison?.nodes.find((node) => node.node_id === selected)} key={selected} nodeId={selected} trace={trace} />;
}

/** The pins of this view; another run begins without any. */
function usePinned() {
  const [ids, setIds] = useState<string[]>([]);
  return useMemo(() => ({
    ids, clear: () => setIds([]), toggle: (id: string) => setIds((known) => (known.includes(id) ? known.filter((other) => other !== id) : [...known, id])),
  }), [ids]);
}

function Loaded({ trace, lost }: { trace: Trace; lost: boolean }) {
  const place = usePlace();
  const selected = chosen(trace, place.get("node"));
  const canvas = useKeptFocus();
  const pins = usePinned();
  const [table, setTable] = useState(false);
  const [wantsCritical, setCritical] = useState(false);
  const [frame, height] = useRoom();
  const [shown, playback] = usePlayback(trace, timeOf(place.get("t")));
  const compared = useComparison(trace, place.get("with"));
  const comparison = place.get("with") ? compared.data : undefined;
  const { cards, lines, critical } = useDrawing(shown, trace, wantsCritical, comparison, place.get("edge"));
  const failed = firstFailed(trace);
  const waiting = trace.graph.nodes?.find((node) => trace.nodes[node.id]?.status === "interrupted")?.id;
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
    <PinsContext.Provider value={pins}><Flex className="fd-run" direction="column" ref={frame} style={{ height }}>
      <Header focusFailed={failed ? () => select(failed) : undefined} focusWaiting={waiting ? () => select(waiting) : undefined} lost={lost}
        setTable={setTable} table={table} trace={trace}><Actions cards={cards} lines={lines} trace={trace} /></Header>
      <PinBar trace={trace} />
      {comparison ? <CompareBar comparison={comparison} select={select} /> : null}
      {compared.error && place.get("with") ? <Failure error={compared.error} retry={() => void compared.refetch()} /> : null}
      <Flex flex="1" minH={0}>
        <Flex direction="column" flex="1" minW={0}>
          {table ? <NodeTable select={select} trace={shown} /> : (
            <Box aria-label={TEXT.canvas} className="fd-canvas" flex="1" minH={0} onKeyDown={onKeyDown} ref={canvas} role="group" tabIndex={0}>
              <Canvas cards={cards} lines={lines} select={select} selectEdge={selectEdge} selected={selected} />
            </Box>
          )}
          <Timeline critical={critical} playback={playback} select={select} selected={selected} setCritical={setCritical} trace={trace} />
        </Flex>
        <Side comparison={comparison} edgeId={place.get("edge")} selected={selected} trace={trace} />
      </Flex>
      <Said selected={selected} trace={trace} />
    </Flex></PinsContext.Provider>
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
