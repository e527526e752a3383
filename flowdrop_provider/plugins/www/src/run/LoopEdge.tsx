import { BaseEdge, type EdgeProps } from "@xyflow/react";

const OUT = 34;
const BELOW = 96;
const BEND = 14;

/** The way back of a loop: out to the right, below the cards, and in from the left. */
export function loopPath(x: number, y: number, toX: number, toY: number): { path: string; low: number } {
  const low = Math.max(y, toY) + BELOW;
  const [right, left] = [x + OUT, toX - OUT];
  const path = [
    `M${x},${y} H${right - BEND} Q${right},${y} ${right},${y + BEND}`,
    `V${low - BEND} Q${right},${low} ${right - BEND},${low}`,
    `H${left + BEND} Q${left},${low} ${left},${low - BEND}`,
    `V${toY + BEND} Q${left},${toY} ${left + BEND},${toY} H${toX}`,
  ];
  return { path: path.join(" "), low };
}

/** A loopback edge; its label hangs on the lowest part. */
export function LoopEdge({ sourceX, sourceY, targetX, targetY, label }: EdgeProps) {
  const { path, low } = loopPath(sourceX, sourceY, targetX, targetY);
  return <BaseEdge label={label} labelX={(sourceX + targetX) / 2} labelY={low} path={path} />;
}
