import type { DrawnEdge, DrawnNode } from "./types";

export interface Point {
  x: number;
  y: number;
}

const COLUMN = 340;
const ROW = 170;

/** Whether an author placed the nodes: documents made by programs have them all in one spot. */
export function isPlaced(nodes: DrawnNode[]): boolean {
  const spots = new Set(nodes.filter((node) => node.x !== undefined).map((node) => `${node.x ?? 0},${node.y ?? 0}`));
  return nodes.length === 1 ? spots.size === 1 : spots.size > 1;
}

/** Places from left to right: a node stands one column after the last of its sources. Edges that lead back do not count. */
export function layered(nodes: DrawnNode[], edges: DrawnEdge[]): Map<string, Point> {
  const forward = edges.filter((edge) => edge.kind !== "loopback");
  const columns = columnsOf(nodes, forward);
  const used = new Map<number, number>();
  return new Map(
    nodes.map((node) => {
      const column = columns.get(node.id) ?? 0;
      const row = used.get(column) ?? 0;
      used.set(column, row + 1);
      return [node.id, { x: column * COLUMN, y: row * ROW }];
    }),
  );
}

function columnsOf(nodes: DrawnNode[], edges: DrawnEdge[]): Map<string, number> {
  const columns = new Map(nodes.map((node) => [node.id, 0]));
  const open = new Map(nodes.map((node) => [node.id, 0]));
  const out = new Map<string, string[]>();
  for (const { source, target } of edges) {
    open.set(target, (open.get(target) ?? 0) + 1);
    out.set(source, [...(out.get(source) ?? []), target]);
  }
  const ready = nodes.filter((node) => open.get(node.id) === 0).map((node) => node.id);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    for (const target of out.get(id) ?? []) {
      columns.set(target, Math.max(columns.get(target) ?? 0, (columns.get(id) ?? 0) + 1));
      open.set(target, (open.get(target) ?? 1) - 1);
      if (open.get(target) === 0) ready.push(target);
    }
  }
  return columns;
}
