import { Background, BackgroundVariant, Controls, MiniMap, ReactFlow, useReactFlow, useStore, type Edge } from "@xyflow/react";
import { useEffect, useRef } from "react";

import type { Card } from "../graph";
import { LOOKS } from "../status";
import { FlowNode, NoteNode } from "./FlowNode";

const nodeTypes = { card: FlowNode, note: NoteNode };
const MANY = 300;
const READABLE = 0.55;
const CLOSE = 0.8;

const mapColour = (node: Card) => `var(--chakra-colors-${LOOKS[node.data.status].palette}-solid)`;

interface CanvasProps {
  cards: Card[];
  lines: Edge[];
  selected: string | undefined;
  select: (id: string | undefined) => void;
}

/** Shows all of a small drawing; of a large one the selected node, near enough to read. */
function View({ cards, selected }: Pick<CanvasProps, "cards" | "selected">) {
  const flow = useReactFlow();
  const width = useStore((state) => state.width);
  const shown = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (width === 0) return;
    const opening = shown.current === undefined;
    const chosen = cards.find((card) => card.id === selected);
    shown.current = selected ?? "";
    const motion = opening || matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 250;
    const all = () => flow.fitView({ padding: 0.08, maxZoom: 1, duration: motion });
    const near = () => chosen && flow.setCenter(
      chosen.position.x + (chosen.width ?? 0) / 2, chosen.position.y + (chosen.height ?? 0) / 2,
      { zoom: Math.max(flow.getZoom(), CLOSE), duration: motion },
    );
    if (opening || !chosen) {
      void all().then(() => (flow.getZoom() < READABLE ? near() : undefined));
    } else {
      void near();
    }
    // The drawing moves when another node is chosen or the room changes, not when states do.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected, width]);
  return null;
}

/** The author's drawing with the states of a run on it. */
export function Canvas({ cards, lines, selected, select }: CanvasProps) {
  const nodes = cards.map((card) => (card.id === selected ? { ...card, selected: true } : card));
  return (
    <ReactFlow<Card>
      disableKeyboardA11y edges={lines} edgesFocusable={false} minZoom={0.05} nodes={nodes} nodesConnectable={false}
      nodesDraggable={false} nodesFocusable={false} nodeTypes={nodeTypes}
      onNodeClick={(_, node) => node.type === "card" && select(node.id)} onPaneClick={() => select(undefined)}
      onlyRenderVisibleElements={cards.length > MANY} proOptions={{ hideAttribution: true }}
    >
      <Background gap={24} variant={BackgroundVariant.Dots} />
      <MiniMap ariaLabel={null} className="fd-map" nodeColor={mapColour} pannable zoomable />
      <Controls showInteractive={false} />
      <View cards={cards} selected={selected} />
    </ReactFlow>
  );
}
