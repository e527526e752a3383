/**
 * The answers of /flowdrop/api/v1 that the views read. Those with a schema are generated from docs/openapi.json (`npm run generate`);
 * here only the parts are named that the schemas leave open. Times are ISO 8601 in UTC, durations microseconds.
 */

import type { components } from "./openapi";

type Schemas = components["schemas"];

export type JobStatus = Schemas["RunJob"]["status"];
export type RunStatus = Schemas["Run"]["status"];
export type Status = JobStatus | RunStatus;
export type EdgeFate = Schemas["EdgeState"]["state"];

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface JobError {
  code?: string;
  message?: string;
  retryable?: boolean;
  node_id?: string | null;
  details?: Json;
}

export type Trigger = Omit<Schemas["Trigger"], "source"> & Partial<Pick<Schemas["Trigger"], "source">>;

export type Run = Omit<Schemas["Run"], "error" | "warnings" | "triggered"> & { error: JobError | null; warnings: Json[]; triggered: Trigger };

export interface DrawnNode {
  id: string;
  label: string;
  type: string;
  visual: string;
  x?: number;
  y?: number;
  w?: number | null;
  h?: number | null;
  task_id?: string;
  excluded?: string | null;
  content?: string;
}

export interface DrawnEdge {
  id: string;
  kind: "data" | "trigger" | "error" | "loopback" | "tool" | "agent_result";
  source: string;
  source_port: string;
  target: string;
  target_port: string;
  gated: boolean;
}

export interface Drawing {
  name?: string;
  revision?: string;
  nodes?: DrawnNode[];
  edges?: DrawnEdge[];
}

/** Where outputs came from that no execution gave: `source` is `pin` or the run they were taken from. */
export type Injected = Schemas["Injected"];

/** The views of revisions make states up; only a run's own can have been put in. */
export type NodeState = Omit<Schemas["NodeState"], "injected"> & { injected?: Injected | null };

export type EdgeState = Omit<Schemas["EdgeState"], "kind"> & { kind?: string };

export interface Attempt {
  number?: number;
  started?: string | null;
  execution_time_us?: number | null;
  error?: JobError | null;
  input_data?: Record<string, Json>;
  output_data?: Record<string, Json>;
}

export type Span = Omit<Schemas["Span"], "attempts"> & { attempts: Attempt[] };

export type Trace = Pick<Schemas["Trace"], "summary"> & Partial<Pick<Schemas["Trace"], "editor_url">> & { run: Run; graph: Drawing; nodes: Record<string, NodeState>; edges: EdgeState[]; timeline: Span[] };

export type Changes = Omit<Schemas["Changes"], "run" | "nodes"> & { run: Run; nodes: Record<string, NodeState> };

type OpenJob = "error" | "order" | "task_state" | "input_data" | "output_data" | "attempts" | "truncated" | "redacted";

export type Job = Omit<Schemas["RunJob"], OpenJob> & {
  error: JobError | null;
  /** Absent for a reader who may not read XComs. */
  input_data?: Record<string, Json>;
  output_data?: Record<string, Json>;
  attempts?: Attempt[];
  truncated?: Record<string, number>;
  redacted?: string[];
};

export interface RunRow {
  id: string;
  workflow_id: string;
  name: string;
  outcome: RunStatus;
  createdAt: string | null;
  lastExecuted: string | null;
  run_id: string;
  triggered_by: Trigger;
  source: string | null;
  dag_id: string;
  /** What ended it, for a failed one. */
  error: { message: string | null; code: string | null; node_id: string | null } | null;
  /** Nodes that failed and that a completed run went on past. */
  handled_node_ids: string[];
}

/** A page of a list that is walked with a cursor. */
export interface Page<T> {
  data: T[];
  pagination: { limit: number; next_cursor: string | null };
}

export interface WorkflowDocument {
  id: string;
  name: string;
  nodes?: { id: string; data?: { config?: Record<string, Json> } }[];
  metadata?: { partial?: boolean; airflow?: { revision?: string; dag_id?: string } };
}

export type Right = "start" | "stop" | "answer" | "values" | "config" | "logs" | "audit";
export type Rights = Record<Right, boolean>;

export type StartedRun = Pick<Schemas["Started"], "pipeline_id" | "dag_id" | "run_id">;

export interface Rerun {
  inputs?: Record<string, Json>;
  from_node?: string;
  /** Outputs by node that stand in for an execution; `null` for those of the repeated run. */
  pins?: Record<string, Record<string, Json> | null>;
}

/** A field's or a whole form's JSON Schema, as far as forms read it. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: Json[];
  default?: Json;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
}

export interface Interrupt {
  id: string;
  type: "text" | "form" | "confirmation" | "choice";
  status: "pending" | "resolved" | "cancelled";
  message: string;
  nodeId: string;
  schema: Schema | null;
  options: { value: string; label: string }[] | null;
  defaultValue: Json;
  createdAt: string | null;
  expiresAt: string | null;
  config: { confirm_label?: string; cancel_label?: string };
}

export interface Difference {
  path: string;
  left?: Json;
  right?: Json;
}

export interface JobFacts {
  status: JobStatus;
  execution_time_us: number | null;
  job_id: string;
  error: string | null;
}

export interface NodeComparison {
  node_id: string;
  left: JobFacts | null;
  right: JobFacts | null;
  differs: boolean;
  input_data?: Difference[];
  input_data_complete?: boolean;
  output_data?: Difference[];
  output_data_complete?: boolean;
}

export type Comparison = Omit<Schemas["Comparison"], "left" | "right" | "nodes" | "outputs"> & { left: Run; right: Run; nodes: NodeComparison[] };

export interface LogLine {
  timestamp: string | null;
  level: "debug" | "info" | "warning" | "error";
  message: string;
  node_id: string;
}

export type Figures = Omit<Schemas["Figures"], "duration_s" | "queue_wait_s"> & {
  duration_s: Record<"p50" | "p95" | "max" | "mean", number | null>;
  queue_wait_s: Record<"p50" | "p95", number | null>;
};

type Named = "dag_id" | "workflow_id" | "name" | "node_id" | "node_type_id" | "label";

export type Group = Figures & { [K in Named]?: string } & { previous: Figures | null };

export interface Slice {
  at: string;
  count: number;
  failed: number;
  mean_s: number | null;
}

export interface Revision {
  revision: string;
  name: string;
  nodes: number;
  versions: number[];
  bundle: string | null;
  runs: number;
  failed: number;
  last_run: string | null;
  first_seen: string;
}

export interface AuditEntry {
  id: number;
  at: string;
  event: string;
  user: string | null;
  dag_id: string | null;
  run_id: string | null;
  pipeline_id: string | null;
  task_id: string | null;
  details: Record<string, Json>;
}

export type SystemConfig = Schemas["SystemConfig"];
export type Check = Schemas["Check"];
export type CheckLevel = Check["level"];
export type CheckUp = Schemas["CheckUp"];
export type NoticeRule = Schemas["NoticeRule"];
export type NoticeTest = Schemas["NoticeTest"];
