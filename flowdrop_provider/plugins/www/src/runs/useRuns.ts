import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";

import { readRuns, readWorkflows } from "../api";
import { isFinal } from "../status";
import type { RunPage, RunRow, RunStatus } from "../types";
import { beginning, STATUSES, within, type Filters } from "./filters";

const PAGE = 50;
const LIVE = 3_000;
const CALM = 15_000;

/** Whether a page's last row is older than the period: the list is in order, so nothing behind it is inside. */
const isBefore = (page: RunPage, since: number): boolean => {
  const last = page.data.at(-1)?.createdAt;
  return since > 0 && typeof last === "string" && Date.parse(last) < since;
};

/** Runs, newest first, page by page; asked again every few seconds while one of them goes on. */
export function useRuns(filters: Filters) {
  const query = useInfiniteQuery({
    queryKey: ["runs", filters],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      readRuns({ workflow_id: filters.workflow, status: filters.status, limit: PAGE, offset: pageParam }, signal),
    getNextPageParam: (page: RunPage) => {
      const done = !page.pagination.has_more || isBefore(page, beginning(filters.time, Date.now()));
      return done ? undefined : page.pagination.offset + page.data.length;
    },
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.data.some((row) => !isFinal(row.outcome))) ? LIVE : CALM),
  });
  const rows: RunRow[] = query.data?.pages.flatMap((page) => page.data) ?? [];
  // A run that starts while pages are read moves the rows; the same one may come twice.
  const unique = [...new Map(rows.map((row) => [row.id, row])).values()];
  return { query, rows: within(unique, beginning(filters.time, query.dataUpdatedAt)) };
}

/** How many runs there are of each status, whatever the period: the API counts a status in one query. */
export function useCounts(workflow: string): Partial<Record<RunStatus, number>> {
  const found = useQueries({
    queries: STATUSES.map((status) => ({
      queryKey: ["count", workflow, status],
      queryFn: ({ signal }: { signal: AbortSignal }) => readRuns({ workflow_id: workflow, status, limit: 1 }, signal),
      refetchInterval: CALM,
    })),
  });
  const total = (status: RunStatus) => found[STATUSES.indexOf(status)]?.data?.pagination.total;
  const counts = Object.fromEntries(STATUSES.map((status) => [status, total(status)])) as Partial<Record<RunStatus, number>>;
  // The API counts runs with warnings as completed, and waiting ones as running, too.
  const less = (all: number | undefined, part: number | undefined) => (all === undefined ? undefined : all - (part ?? 0));
  return { ...counts, completed: less(counts.completed, counts.completed_with_warnings), running: less(counts.running, counts.paused) };
}

export const useWorkflows = () => useQuery({ queryKey: ["workflows"], queryFn: ({ signal }) => readWorkflows(signal), staleTime: 60_000 });
