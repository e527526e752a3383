import { getBezierPath, Position, type Edge } from "@xyflow/react";

import { portTop, type Card } from "../graph";

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

export const widthOf = (card: Card): number => card.width ?? 240;

const heightOfPort = (card: Card, ports: string[], port: string | null | undefined): number =>
  card.position.y + portTop(Math.max(0, ports.indexOf(port ?? "")));

/** The path of a line from port to port, or nothing for one that ends nowhere. */
export function wirePath(edge: Edge, cards: Map<string, Card>): string | undefined {
  const [source, target] = [cards.get(edge.source), cards.get(edge.target)];
  if (!source || !target) return undefined;
  const sourceX = source.position.x + widthOf(source);
  const sourceY = heightOfPort(source, source.data.outputs, edge.sourceHandle);
  const targetX = target.position.x;
  const targetY = heightOfPort(target, target.data.inputs, edge.targetHandle);
  if (edge.type === "loop") return loopPath(sourceX, sourceY, targetX, targetY).path;
  return getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition: Position.Right, targetPosition: Position.Left })[0];
}

/** All lines of a drawing, one path for those that look alike, by their classes. */
export function bundled(cards: Card[], lines: Edge[]): Map<string, string> {
  const byId = new Map(cards.map((card) => [card.id, card]));
  const found = new Map<string, string>();
  for (const edge of lines) {
    const look = edge.className ?? "";
    const path = wirePath(edge, byId);
    if (path) found.set(look, `${found.get(look) ?? ""}${path}`);
  }
  return found;
}
