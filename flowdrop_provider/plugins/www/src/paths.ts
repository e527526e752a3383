/** Addresses inside Airflow's user interface; its router adds the path it lives below. */

const part = encodeURIComponent;

export const runPath = (dagId: string, runId: string): string => `/dags/${part(dagId)}/runs/${part(runId)}/plugin/flowdrop-run`;

/** The DAG and run ids inside a pipeline id (`plugins/api/ids.py`). */
export function keyOf(pipeline: string): [dagId: string, runId: string] {
  const binary = atob(pipeline.replaceAll("-", "+").replaceAll("_", "/"));
  const text = new TextDecoder().decode(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)));
  const [dagId = "", runId = ""] = text.split("\n");
  return [dagId, runId];
}
