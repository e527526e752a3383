import { useQuery } from "@tanstack/react-query";

import { readRights, readSystem } from "./api";
import type { Right, Rights } from "./types";

const NONE: Rights = { start: false, stop: false, answer: false, values: false, config: false, logs: false, audit: false };

/** What the reader may do with the runs of some DAGs; nothing until that is known. The API asks again at each action. */
export function useRights(dagIds: string[]): { of: (dagId: string) => Rights; all: (right: Right, of: string[]) => boolean } {
  const names = [...new Set(dagIds)].sort().slice(0, 100);
  const { data } = useQuery({
    queryKey: ["rights", names], queryFn: ({ signal }) => readRights(names, signal), enabled: names.length > 0, staleTime: 60_000,
  });
  const of = (dagId: string): Rights => data?.[dagId] ?? NONE;
  return { of, all: (right, list) => list.length > 0 && list.every((dagId) => of(dagId)[right]) };
}

/** Whether the reader looks after this deployment; no until that is known. */
export function useAdministrator(): boolean {
  const { data } = useQuery({ queryKey: ["system"], queryFn: ({ signal }) => readSystem(signal), staleTime: 60_000 });
  return data?.caller.administrator ?? false;
}
