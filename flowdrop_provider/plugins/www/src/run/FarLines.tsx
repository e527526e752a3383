import { ViewportPortal, type Edge } from "@xyflow/react";
import { memo, useMemo } from "react";

import type { Card } from "../graph";
import { bundled } from "./wires";

/**
 * The lines of a drawing seen from so far that none of them can be hit: a handful of paths.
 *
 * The library's own are an element each that listens to every movement, too many to pan 500 of them smoothly.
 */
export const FarLines = memo(function FarLines({ cards, lines }: { cards: Card[]; lines: Edge[] }) {
  const paths = useMemo(() => bundled(cards, lines), [cards, lines]);
  return (
    <ViewportPortal>
      <svg aria-hidden className="fd-lines">
        {[...paths].map(([look, path]) => (
          <g className={look} key={look}><path className="react-flow__edge-path" d={path} /></g>
        ))}
      </svg>
    </ViewportPortal>
  );
});
