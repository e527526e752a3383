/** Addresses inside Airflow's user interface; its router adds the path it lives below. */

const part = encodeURIComponent;

export const runPath = (dagId: string, runId: string): string => `/dags/${part(dagId)}/runs/${part(runId)}/plugin/flowdrop-run`;

/** All runs, narrowed to what the list keeps in the address (`runs/filters.ts`). */
export const homePath = (filters: Record<string, string>): string => `/plugin/flowdrop?${new URLSearchParams(filters).toString()}`;

/** The DAG and run ids inside a pipeline id (`plugins/api/ids.py`). */
export function keyOf(pipeline: string): [dagId: string, runId: string] {
  const binary = atob(pipeline.replaceAll("-", "+").replaceAll("_", "/"));
  const text = new TextDecoder().decode(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)));
  const [dagId = "", runId = ""] = text.split("\n");
  return [dagId, runId];
}
