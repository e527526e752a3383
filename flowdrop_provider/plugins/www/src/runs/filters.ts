import type { RunRow, RunStatus } from "../types";

/** What the list of runs is narrowed to; kept in the address. */
export interface Filters {
  workflow: string;
  status: RunStatus | "";
  time: string;
}

export const STATUSES: RunStatus[] = ["running", "paused", "pending", "failed", "completed_with_warnings", "completed", "cancelled"];

/** Periods by name, in hours; the empty name is any time. */
export const PERIODS: Record<string, { label: string; hours: number }> = {
  "1h": { label: "Last hour", hours: 1 },
  "24h": { label: "Last 24 hours", hours: 24 },
  "7d": { label: "Last 7 days", hours: 168 },
  "30d": { label: "Last 30 days", hours: 720 },
};

export function filtersOf(search: URLSearchParams): Filters {
  const status = search.get("status") ?? "";
  const time = search.get("time") ?? "";
  return {
    workflow: search.get("workflow") ?? "",
    status: STATUSES.find((known) => known === status) ?? "",
    time: Object.hasOwn(PERIODS, time) ? time : "",
  };
}

export const isNarrowed = (filters: Filters): boolean => Object.values(filters).some((value) => value !== "");

/** When a period began, in milliseconds; 0 for any time. */
export function beginning(time: string, now: number): number {
  const period = PERIODS[time];
  return period ? now - period.hours * 3_600_000 : 0;
}

/** The rows inside a period; rows come newest first. */
export const within = (rows: RunRow[], since: number): RunRow[] =>
  since === 0 ? rows : rows.filter((row) => row.createdAt === null || Date.parse(row.createdAt) >= since);
