import { duration } from "../format";
import { TEXT } from "../text";
import type { Comparison, NodeComparison } from "../types";

/** What a card says in a comparison: whether the node differs, and how in a few words. */
export interface Beside {
  differs: boolean;
  words: string;
}

/** How much longer (`+`) or shorter this run was at a node, in microseconds; `undefined` when one of them did not run there. */
export function slower(node: NodeComparison): number | undefined {
  const [left, right] = [node.left?.execution_time_us, node.right?.execution_time_us];
  return typeof left === "number" && typeof right === "number" ? left - right : undefined;
}

const signed = (time: number): string => `${time < 0 ? "−" : "+"}${duration(Math.abs(time))}`;

function words(node: NodeComparison): string {
  if (node.left?.status !== node.right?.status) return TEXT.was(node.right?.status ?? "idle");
  const values = (node.input_data?.length ?? 0) + (node.output_data?.length ?? 0);
  const time = slower(node);
  const parts = [values > 0 ? TEXT.values(values) : "", time !== undefined && time !== 0 ? signed(time) : ""];
  return parts.filter(Boolean).join(" · ");
}

/** What each card says when another run is laid beside this one. */
export const beside = (comparison: Comparison): Map<string, Beside> =>
  new Map(comparison.nodes.map((node) => [node.node_id, { differs: node.differs, words: words(node) }]));
