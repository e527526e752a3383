import type { Drawing, DrawnEdge, DrawnNode, Trace } from "../types";

/** How a node of one revision stands to the other. */
export type Change = "added" | "removed" | "changed" | "same";

const wires = (drawing: Drawing, id: string): string =>
  JSON.stringify((drawing.edges ?? []).filter((edge) => edge.target === id || edge.source === id)
    .map((edge: DrawnEdge) => [edge.kind, edge.source, edge.source_port, edge.target, edge.target_port]).sort());

const facts = (node: DrawnNode): string => JSON.stringify([node.label, node.type, node.visual, node.content ?? null]);

/** What became of each node from an older drawing to a newer one. Places do not count: they change nothing in a run. */
export function changes(older: Drawing, newer: Drawing): Map<string, Change> {
  const before = new Map((older.nodes ?? []).map((node) => [node.id, node]));
  const found = new Map<string, Change>();
  for (const node of newer.nodes ?? []) {
    const known = before.get(node.id);
    const same = known !== undefined && facts(known) === facts(node) && wires(older, node.id) === wires(newer, node.id);
    found.set(node.id, known === undefined ? "added" : same ? "same" : "changed");
  }
  for (const id of before.keys()) if (!found.has(id)) found.set(id, "removed");
  return found;
}

/** Both drawings in one, as a trace that the canvas can show: the newer one with what the older one had besides. */
export function union(older: Drawing, newer: Drawing): Pick<Trace, "graph" | "nodes" | "edges" | "timeline"> {
  const nodes = [...(newer.nodes ?? []), ...(older.nodes ?? []).filter((node) => !newer.nodes?.some((known) => known.id === node.id))];
  const inNewer = new Set(newer.edges?.map((edge) => edge.id));
  const inOlder = new Set(older.edges?.map((edge) => edge.id));
  const edges = [...(newer.edges ?? []), ...(older.edges ?? []).filter((edge) => !inNewer.has(edge.id))];
  return {
    graph: { ...newer, nodes, edges },
    nodes: {},
    // Taken: only in the newer one; not taken: only in the older one.
    edges: edges.map(({ id, source, target }) => ({
      id, source, target, times: 0, state: !inNewer.has(id) ? "not_followed" : inOlder.has(id) ? "not_an_order" : "followed",
    })),
    timeline: [],
  };
}
