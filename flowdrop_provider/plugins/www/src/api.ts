import type {
  AuditEntry, Changes, CheckUp, Comparison, Drawing, Group, Interrupt, Job, Json, LogLine, NoticeRule, NoticeTest, Page, Rerun, Revision, Rights, RunRow,
  RunStatus, Slice, StartedRun, SystemConfig, Trace, WorkflowDocument,
} from "./types";

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

export type Query = Record<string, string | number | undefined>;

/** The address of a route; Airflow may live below a path, which its page says in `<base href>`. */
export function address(path: string, query: Query = {}): string {
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
  const body = (await response.json().catch(() => ({}))) as { error?: string; error_code?: string; detail?: unknown };
  const told = typeof body.detail === "string" ? body.detail : response.statusText;
  return new ApiError(body.error ?? told, response.status, body.error_code);
}

async function ask(url: string, signal?: AbortSignal, more: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json", "Content-Type": "application/json" }, signal, ...more });
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

export const readRuns = (query: Query, signal?: AbortSignal) => read<Page<RunRow>>(address("runs", query), signal);

export const readCounts = (query: Query, signal?: AbortSignal) =>
  data<Partial<Record<RunStatus, number>>>(address("runs/counts", query), signal);

/** What the reader may do with the runs of these DAGs; those that may not be read are absent. */
export function readRights(dagIds: string[], signal?: AbortSignal): Promise<Record<string, Rights>> {
  const url = new URL(address("rights"));
  for (const dagId of dagIds) url.searchParams.append("dag_id", dagId);
  return data(url.toString(), signal);
}

export const readInterrupts = (id: string, signal?: AbortSignal) =>
  data<Interrupt[]>(address(`pipelines/${id}/interrupts`, { status: "pending" }), signal);

export const readComparison = (id: string, other: string, signal?: AbortSignal) =>
  data<Comparison>(address(`runs/${id}/compare/${other}`), signal);

export const readLogs = (id: string, node: string, signal?: AbortSignal) =>
  read<{ data: LogLine[]; message: string }>(address(`pipeline/${id}/logs`, { node_id: node, limit: 1000 }), signal);

export const readBundle = (id: string) => read<Json>(address(`runs/${id}/export`));

export const readMetrics = (query: Query, signal?: AbortSignal) => data<Group[]>(address("metrics", query), signal);

export const readTrend = (query: Query, signal?: AbortSignal) => data<Slice[]>(address("metrics/trend", query), signal);

export const readAudit = (query: Query, signal?: AbortSignal) => read<Page<AuditEntry>>(address("audit", query), signal);

export const readRevisions = (id: string, signal?: AbortSignal) =>
  data<Revision[]>(address(`workflows/${encodeURIComponent(id)}/revisions`), signal);

export const readRevision = (id: string, revision: string, signal?: AbortSignal) =>
  data<Drawing>(address(`workflows/${encodeURIComponent(id)}/revisions/${revision}`), signal);

async function send<T>(method: string, url: string, body: unknown): Promise<T> {
  const response = await ask(url, undefined, { method, body: JSON.stringify(body) });
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as T;
}

export const stopRun = (id: string, reason: string) =>
  send("POST", address(`pipeline/${id}/stop`), reason ? { reason } : {});

/** Starts a new run from an ended one; from a node on, what came before is taken from the old run. */
export const rerun = async (id: string, body: Rerun): Promise<StartedRun> =>
  (await send<{ data: StartedRun }>("POST", address(`runs/${id}/rerun`), body)).data;

export const answerInterrupt = (id: string, value: Json) => send("POST", address(`interrupts/${id}`), { value });

export const readSystem = (signal?: AbortSignal) => data<SystemConfig>(address("system/config"), signal);

export const readDoctor = (signal?: AbortSignal) => data<CheckUp>(address("system/doctor"), signal);

export const readNoticeRules = (signal?: AbortSignal) => data<NoticeRule[]>(address("system/notices"), signal);

/** Sends a test message by every channel of a rule; each may take ten seconds to fail. */
export const tryNoticeRule = async (rule: string): Promise<NoticeTest> =>
  (await send<{ data: NoticeTest }>("POST", address(`system/notices/${encodeURIComponent(rule)}/test`), {})).data;

const airflowRun = (dagId: string, runId: string) =>
  new URL(`api/v2/dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}`, document.baseURI).toString();

/** Sets a run's state by hand, as Airflow's own screens do. */
export const markRun = (dagId: string, runId: string, state: "success" | "failed") =>
  send("PATCH", airflowRun(dagId, runId), { state });

/** The inputs of a run: Airflow's `conf` without what the start noted about itself. */
export async function readInputs(dagId: string, runId: string, signal?: AbortSignal): Promise<Record<string, Json>> {
  const { conf } = await read<{ conf: Record<string, Json> | null }>(airflowRun(dagId, runId), signal);
  return Object.fromEntries(Object.entries(conf ?? {}).filter(([name]) => name !== "flowdrop"));
}

/** What happened since a cursor; `null` for nothing. */
export async function readChanges(id: string, since: string | undefined, signal: AbortSignal): Promise<Changes | null> {
  const response = await ask(address(`runs/${id}/changes`, { since }), signal);
  if (response.status === 304) return null;
  if (!response.ok) throw await refusal(response);
  return ((await response.json()) as { data: Changes }).data;
}
