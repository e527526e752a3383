/** The answers of /flowdrop/api/v1 that the views read (docs/openapi.json). Times are ISO 8601 in UTC, durations microseconds. */

export type JobStatus = "idle" | "pending" | "running" | "completed" | "failed" | "cancelled" | "skipped" | "interrupted";
export type RunStatus = "pending" | "running" | "paused" | "completed" | "completed_with_warnings" | "failed" | "cancelled";
export type Status = JobStatus | RunStatus;
export type EdgeFate = "followed" | "not_followed" | "open" | "not_an_order";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface JobError {
  code?: string;
  message?: string;
  retryable?: boolean;
  details?: Json;
}

export interface Trigger {
  type: string;
  via: string | null;
  user: string | null;
  source?: string | null;
}

export interface Run {
  id: string;
  workflow_id: string;
  name: string;
  revision: string;
  dag_id: string;
  run_id: string;
  status: RunStatus;
  created: string | null;
  started: string | null;
  completed: string | null;
  triggered: Trigger;
  rerun_of: string | null;
  note: string | null;
  error: JobError | null;
  warnings: Json[];
  changed: string;
}

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

export interface NodeState {
  status: JobStatus;
  executions: number;
  execution_time_us: number;
  skip_reason: string | null;
  error: string | null;
  job_ids: string[];
}

export interface EdgeState {
  id: string;
  source: string;
  target: string;
  state: EdgeFate;
  times: number;
}

export interface Attempt {
  number?: number;
  started?: string | null;
  execution_time_us?: number | null;
  error?: JobError | null;
  input_data?: Record<string, Json>;
  output_data?: Record<string, Json>;
}

export interface Span {
  job_id: string;
  node_id: string;
  status: JobStatus;
  queued: string | null;
  started: string | null;
  completed: string | null;
  round: number[];
  attempts: Attempt[];
  try_number: number;
}

export interface Trace {
  run: Run;
  graph: Drawing;
  nodes: Record<string, NodeState>;
  edges: EdgeState[];
  timeline: Span[];
  summary: Record<string, number>;
}

export interface Changes {
  run: Run;
  nodes: Record<string, NodeState>;
  summary: Record<string, number>;
  cursor: string;
  finished: boolean;
}

export interface Job {
  id: string;
  node_id: string;
  node_type_id: string;
  label: string;
  status: JobStatus;
  skip_reason: string | null;
  queued: string | null;
  started: string | null;
  completed: string | null;
  execution_time_us: number | null;
  execution_number: number;
  round: number[];
  routed: boolean;
  active_branches: string[];
  retry_count: number;
  max_retries: number;
  error: JobError | null;
  task_id: string;
  map_index: number;
  try_number: number;
  /** Absent for a reader who may not read XComs. */
  input_data?: Record<string, Json>;
  output_data?: Record<string, Json>;
  attempts?: Attempt[];
  truncated?: Record<string, number>;
  redacted?: string[];
}

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

export interface StartedRun {
  pipeline_id: string;
  dag_id: string;
  run_id: string;
}

export interface Rerun {
  inputs?: Record<string, Json>;
  from_node?: string;
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

export interface Comparison {
  left: Run;
  right: Run;
  same_revision: boolean;
  first_difference: string | null;
  nodes: NodeComparison[];
}

export interface LogLine {
  timestamp: string | null;
  level: "debug" | "info" | "warning" | "error";
  message: string;
  node_id: string;
}

export interface Figures {
  count: number;
  failed: number;
  failure_rate: number;
  duration_s: Record<"p50" | "p95" | "max" | "mean", number | null>;
  queue_wait_s: Record<"p50" | "p95", number | null>;
  complete: boolean;
}

export interface Group extends Figures {
  dag_id?: string;
  workflow_id?: string;
  name?: string;
  node_id?: string;
  node_type_id?: string;
  label?: string;
  previous: Figures | null;
}

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
