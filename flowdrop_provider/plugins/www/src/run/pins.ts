import { createContext, useContext } from "react";

import type { Drawing, Job } from "../types";

/** The nodes whose outputs the next run shall be given. They belong to the open view only: nothing is kept until that run starts. */
export interface Pins {
  ids: string[];
  toggle: (id: string) => void;
  clear: () => void;
}

export const PinsContext = createContext<Pins>({ ids: [], toggle: () => undefined, clear: () => undefined });

export const usePins = (): Pins => useContext(PinsContext);

/** Whether the recorded outputs are the whole of what the node gave, so that somebody may write others in their place. */
export const isWhole = (job: Job | undefined): boolean =>
  job?.output_data !== undefined && ![...Object.keys(job.truncated ?? {}), ...(job.redacted ?? [])].some((path) => path.startsWith("output_data"));

/** Where to begin writing outputs for a node that gave none: its ports that are wired, the error's left out. */
export function template(graph: Drawing, id: string): string {
  const ports = (graph.edges ?? []).filter((edge) => edge.source === id && edge.source_port !== "error").map((edge) => edge.source_port);
  return JSON.stringify(Object.fromEntries(ports.map((port) => [port, null])), null, 2);
}
