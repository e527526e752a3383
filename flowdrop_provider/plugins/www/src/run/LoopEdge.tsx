import { BaseEdge, type EdgeProps } from "@xyflow/react";

import { loopPath } from "./wires";

/** A loopback edge; its label hangs on the lowest part. */
export function LoopEdge({ sourceX, sourceY, targetX, targetY, label }: EdgeProps) {
  const { path, low } = loopPath(sourceX, sourceY, targetX, targetY);
  return <BaseEdge label={label} labelX={(sourceX + targetX) / 2} labelY={low} path={path} />;
}
