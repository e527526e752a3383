import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { readCounts, readRuns, readWorkflows } from "../api";
import { isFinal } from "../status";
import type { Page, RunRow } from "../types";
import { queryOf, type Filters } from "./filters";

const PAGE = 50;
const LIVE = 3_000;
const CALM = 15_000;

/** Runs, newest first, page by page; asked again every few seconds while one of them goes on. */
export function useRuns(filters: Filters) {
  const query = useInfiniteQuery({
    queryKey: ["runs", filters],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => readRuns({ ...queryOf(filters, Date.now()), limit: PAGE, cursor: pageParam }, signal),
    getNextPageParam: (page: Page<RunRow>) => page.pagination.next_cursor ?? undefined,
    placeholderData: (known) => known,
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.data.some((row) => !isFinal(row.outcome))) ? LIVE : CALM),
  });
  const rows: RunRow[] = query.data?.pages.flatMap((page) => page.data) ?? [];
  // A run that starts while pages are read moves the rows; the same one may come twice.
  return { query, rows: [...new Map(rows.map((row) => [row.id, row])).values()] };
}

/** How many runs of each status there are under the same filters. */
export function useCounts(filters: Filters) {
  const others: Filters = { ...filters, status: "" };
  const { data } = useQuery({
    queryKey: ["counts", others], queryFn: ({ signal }) => readCounts(queryOf(others, Date.now()), signal), refetchInterval: CALM,
    placeholderData: (known) => known,
  });
  return data;
}

export const useWorkflows = () => useQuery({ queryKey: ["workflows"], queryFn: ({ signal }) => readWorkflows(signal), staleTime: 60_000 });
