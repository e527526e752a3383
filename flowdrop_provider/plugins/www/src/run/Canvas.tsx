import { Background, BackgroundVariant, Controls, MiniMap, ReactFlow, useReactFlow, useStore, type Edge } from "@xyflow/react";
import { useEffect, useMemo, useRef } from "react";

import { useHostTheme } from "../components/useHostTheme";
import type { Card } from "../graph";
import { LOOKS } from "../status";
import { FarLines } from "./FarLines";
import { FlowNode, NoteNode } from "./FlowNode";
import { LoopEdge } from "./LoopEdge";

const nodeTypes = { card: FlowNode, note: NoteNode };
const edgeTypes = { loop: LoopEdge };
const MANY = 1500;
const WORTH_A_MAP = 12;
/** Below this zoom the small texts go, below the other one all of them: nobody could read them, and painting them costs most. */
const FAR = 0.4;
const TINY = 0.2;
const CLASSES = { near: "", far: "fd-far", tiny: "fd-far fd-tiny" };
const READABLE = 0.55;
const CLOSE = 0.8;

const mapColour = (node: Card) => node.type === "note" ? "var(--chakra-colors-border)" : `var(--chakra-colors-${LOOKS[node.data.status].palette}-solid)`;

const NO_LINES: Edge[] = [];

interface CanvasProps {
  cards: Card[];
  lines: Edge[];
  selected: string | undefined;
  select: (id: string | undefined) => void;
  selectEdge?: (id: string) => void;
}

/** Shows all of a small drawing; of a large one the selected node, near enough to read. */
function View({ cards, selected }: Pick<CanvasProps, "cards" | "selected">) {
  const flow = useReactFlow();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const shown = useRef<string | undefined>("");
  useEffect(() => {
    if (width === 0) return;
    const resized = shown.current === selected || shown.current === "";
    const chosen = cards.find((card) => card.id === selected);
    shown.current = selected;
    const motion = resized || matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 250;
    const all = () => flow.fitView({ padding: 0.08, maxZoom: 1, duration: motion });
    const near = () => chosen && flow.setCenter(
      chosen.position.x + (chosen.width ?? 0) / 2, chosen.position.y + (chosen.height ?? 0) / 2,
      { zoom: Math.max(flow.getZoom(), CLOSE), duration: motion },
    );
    if (resized) {
      void all().then(() => (flow.getZoom() < READABLE ? near() : undefined));
    } else {
      void near();
    }
    // The drawing moves when another node is chosen or the room changes, not when states do.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected, width, height]);
  return null;
}

/** The author's drawing with the states of a run on it. */
export function Canvas({ cards, lines, selected, select, selectEdge }: CanvasProps) {
  const nodes = useMemo(() => cards.map((card) => (card.id === selected ? { ...card, selected: true } : card)), [cards, selected]);
  const distance = useStore((state) => (state.transform[2] < TINY ? "tiny" : state.transform[2] < FAR ? "far" : "near"));
  const bundle = distance === "tiny";
  const frame = useRef<HTMLDivElement>(null);
  // Not React's business: it would render in the midst of the movement. Not from the press of the button on: that may become a click.
  const move = (event: MouseEvent | TouchEvent | null) => event && frame.current?.classList.add("fd-moving");
  return (
    <ReactFlow<Card>
      className={CLASSES[distance]} colorMode={useHostTheme()} edgeTypes={edgeTypes}
      disableKeyboardA11y edges={bundle ? NO_LINES : lines} edgesFocusable={false} minZoom={0.05} nodes={nodes} nodesConnectable={false}
      nodesDraggable={false} nodesFocusable={false} nodeTypes={nodeTypes}
      onEdgeClick={selectEdge ? (_, edge) => selectEdge(edge.id) : undefined}
      onNodeClick={(_, node) => node.type === "card" && select(node.id)} onPaneClick={() => select(undefined)}
      onMove={move} onMoveEnd={() => frame.current?.classList.remove("fd-moving")} ref={frame}
      onlyRenderVisibleElements={cards.length > MANY} proOptions={{ hideAttribution: true }}
    >
      {bundle ? <FarLines cards={cards} lines={lines} /> : null}
      <Background gap={24} variant={BackgroundVariant.Dots} />
      {cards.length > WORTH_A_MAP ? <MiniMap ariaLabel={null} className="fd-map" nodeColor={mapColour} pannable zoomable /> : null}
      <Controls position="top-right" showInteractive={false} />
      <View cards={cards} selected={selected} />
    </ReactFlow>
  );
}
