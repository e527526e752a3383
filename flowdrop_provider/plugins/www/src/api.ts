import type { Changes, Job, RunPage, Trace, WorkflowDocument } from "./types";

/** A refusal of the API: `status` is HTTP's (0 when nothing answered), `code` never changes its meaning (docs/api.md). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The address of a route; Airflow may live below a path, which its page says in `<base href>`. */
export function address(path: string, query: Record<string, string | number | undefined> = {}): string {
  const url = new URL(`flowdrop/api/v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url.toString();
}

/** A run's id in the API: base64url of both ids, as `plugins/api/ids.py` makes it. */
export function pipelineId(dagId: string, runId: string): string {
  const bytes = new TextEncoder().encode(`${dagId}\n${runId}`);
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/u, "");
}

async function refusal(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as { error?: string; error_code?: string };
  return new ApiError(body.error ?? response.statusText, response.status, body.error_code);
}

async function ask(url: string, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" }, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(error instanceof Error ? error.message : "", 0);
  }
}

async function read<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(url, signal);
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as T;
}

async function data<T>(url: string, signal?: AbortSignal): Promise<T> {
  return (await read<{ data: T }>(url, signal)).data;
}

export const readTrace = (id: string, signal?: AbortSignal) => data<Trace>(address(`runs/${id}/trace`), signal);

export const readJobs = (id: string, signal?: AbortSignal) => data<Job[]>(address(`runs/${id}/jobs`), signal);

export const readWorkflow = (id: string, signal?: AbortSignal) =>
  data<WorkflowDocument>(address(`workflows/${encodeURIComponent(id)}`), signal);

export const readWorkflows = (signal?: AbortSignal) =>
  data<WorkflowDocument[]>(address("workflows", { limit: 100, sort: "name", order: "asc" }), signal);

export const readRuns = (query: Record<string, string | number | undefined>, signal?: AbortSignal) =>
  read<RunPage>(address("executions", query), signal);

/** What happened since a cursor; `null` for nothing. */
export async function readChanges(id: string, since: string | undefined, signal: AbortSignal): Promise<Changes | null> {
  const response = await ask(address(`runs/${id}/changes`, { since }), signal);
  if (response.status === 304) return null;
  if (!response.ok) throw await refusal(response);
  return ((await response.json()) as { data: Changes }).data;
}
