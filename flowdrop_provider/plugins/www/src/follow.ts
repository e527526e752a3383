import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { readChanges, readTrace } from "./api";
import { isFinal } from "./status";
import type { Changes, Trace } from "./types";

const SHORTEST = 1_000;
const LONGEST = 10_000;

/** The next pause in milliseconds: short after news, growing while nothing happens. */
export const nextPause = (last: number, news: boolean): number => (news ? SHORTEST : Math.min(LONGEST, Math.round(last * 1.5)));

/** A trace with the newer states laid over it; edges and the timeline come with the next full trace. */
export const merged = (trace: Trace, changes: Changes): Trace => ({
  ...trace,
  run: changes.run,
  nodes: changes.nodes,
  summary: changes.summary,
});

/** Resolves after a pause, and not before the page is visible: nobody looks at a hidden one. Leaves no listener behind. */
export function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const wake = () => {
      if (!document.hidden) end();
    };
    const timer = setTimeout(() => {
      document.addEventListener("visibilitychange", wake);
      wake();
    }, ms);
    signal.addEventListener("abort", end);
  });
}

async function follow(id: string, tell: (changes: Changes) => void, lost: (lost: boolean) => void, signal: AbortSignal) {
  let cursor: string | undefined;
  let pause = SHORTEST;
  const stopped = () => signal.aborted;
  for (;;) {
    await rest(pause, signal);
    if (stopped()) return;
    try {
      const changes = await readChanges(id, cursor, signal);
      lost(false);
      pause = nextPause(pause, changes !== null);
      if (changes === null) continue;
      cursor = changes.cursor;
      tell(changes);
      if (changes.finished) return;
    } catch {
      pause = nextPause(pause, false);
      if (!stopped()) lost(true);
    }
  }
}

/** The trace of a run, live until the run is final. `lost` says that the server did not answer the last question. */
export function useTrace(id: string): UseQueryResult<Trace> & { lost: boolean } {
  const client = useQueryClient();
  const [lost, setLost] = useState(false);
  const query = useQuery({ queryKey: ["trace", id], queryFn: ({ signal }) => readTrace(id, signal), staleTime: Infinity });
  const live = query.data !== undefined && !isFinal(query.data.run.status);
  useEffect(() => {
    if (!live) return;
    const stop = new AbortController();
    const tell = (changes: Changes) => {
      client.setQueryData<Trace>(["trace", id], (known) => known && merged(known, changes));
      void client.invalidateQueries({ queryKey: ["trace", id] });
      void client.invalidateQueries({ queryKey: ["jobs", id] });
    };
    void follow(id, tell, setLost, stop.signal);
    return () => stop.abort();
  }, [client, id, live]);
  return { ...query, lost };
}
