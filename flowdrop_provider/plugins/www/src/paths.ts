/** Addresses inside Airflow's user interface; its router adds the path it lives below. */

const part = encodeURIComponent;

export const runPath = (dagId: string, runId: string): string => `/dags/${part(dagId)}/runs/${part(runId)}/plugin/flowdrop-run`;

/** The DAG id inside a pipeline id (`plugins/api/ids.py`). */
export function dagOf(pipeline: string): string {
  const binary = atob(pipeline.replaceAll("-", "+").replaceAll("_", "/"));
  const text = new TextDecoder().decode(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)));
  return text.split("\n")[0] ?? "";
}
