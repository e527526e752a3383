import { duration, percent } from "../format";
import type { Figures, Group } from "../types";

/** Figures of several groups as one: counts add up; times weigh by count, the longest is the longest. */
export function together(groups: Figures[]): Figures | undefined {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return undefined;
  const failed = groups.reduce((sum, group) => sum + group.failed, 0);
  const weighed = (pick: (group: Figures) => number | null) =>
    groups.reduce((sum, group) => sum + (pick(group) ?? 0) * group.count, 0) / count;
  const most = (pick: (group: Figures) => number | null) => Math.max(...groups.map((group) => pick(group) ?? 0));
  return {
    count, failed, failure_rate: failed / count, complete: groups.every((group) => group.complete),
    duration_s: {
      mean: weighed((group) => group.duration_s.mean), p50: weighed((group) => group.duration_s.p50),
      p95: most((group) => group.duration_s.p95), max: most((group) => group.duration_s.max),
    },
    queue_wait_s: { p50: weighed((group) => group.queue_wait_s.p50), p95: most((group) => group.queue_wait_s.p95) },
  };
}

/** Seconds as people read them. */
export const seconds = (value: number | null | undefined): string => (typeof value === "number" ? duration(value * 1e6) : "–");

/** How a figure stands to the period before: `+12 %`, `−3 %`; nothing without one. */
export function change(now: number | null | undefined, before: number | null | undefined): string {
  if (typeof now !== "number" || typeof before !== "number" || before === 0) return "";
  const share = now / before - 1;
  return `${share < 0 ? "−" : "+"}${percent(Math.abs(share))}`;
}

export type Order = "count" | "failed" | "slow";

const RANK: Record<Order, (group: Group) => number> = {
  count: (group) => group.count, failed: (group) => group.failure_rate + group.failed / 1e6, slow: (group) => group.duration_s.p95 ?? 0,
};

/** Groups with the most of something first. */
export const ranked = (groups: Group[], order: Order): Group[] => [...groups].sort((left, right) => RANK[order](right) - RANK[order](left));

export const nameOf = (group: Group): string => group.label ?? group.name ?? group.node_type_id ?? group.node_id ?? "";
