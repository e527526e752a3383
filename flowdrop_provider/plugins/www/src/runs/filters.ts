import type { Query } from "../api";
import { TEXT } from "../text";
import type { RunStatus } from "../types";

/** What the list of runs is narrowed to; kept in the address under these names. */
export interface Filters {
  workflow: string;
  status: RunStatus | "";
  time: string;
  trigger: string;
  user: string;
  error: string;
  node_id: string;
}

export const STATUSES: RunStatus[] = ["running", "paused", "pending", "failed", "completed_with_warnings", "completed", "cancelled"];

/** Periods by name, in hours; the empty name is any time. */
export const PERIODS: Record<string, { label: string; hours: number }> = {
  "1h": { label: TEXT.periods.hour, hours: 1 },
  "24h": { label: TEXT.periods.day, hours: 24 },
  "7d": { label: TEXT.periods.week, hours: 168 },
  "30d": { label: TEXT.periods.month, hours: 720 },
};

export function filtersOf(search: URLSearchParams): Filters {
  const text = (name: string) => search.get(name) ?? "";
  return {
    workflow: text("workflow"),
    status: STATUSES.find((known) => known === text("status")) ?? "",
    time: Object.hasOwn(PERIODS, text("time")) ? text("time") : "",
    trigger: Object.hasOwn(TEXT.triggers, text("trigger")) ? text("trigger") : "",
    user: text("user"),
    error: text("error"),
    node_id: text("node_id"),
  };
}

export const isNarrowed = (filters: Filters): boolean => Object.values(filters).some((value) => value !== "");

/** When a period began, as ISO 8601 to the minute, so that asking again is the same question; `undefined` for any time. */
export function beginning(time: string, now: number): string | undefined {
  const period = PERIODS[time];
  return period ? new Date(Math.floor((now - period.hours * 3_600_000) / 60_000) * 60_000).toISOString() : undefined;
}

/** The filters in the words of the API. */
export const queryOf = ({ workflow, time, ...rest }: Filters, now: number): Query =>
  ({ workflow_id: workflow, since: beginning(time, now), ...rest });
