import type { AuditEntry } from "../types";

const COLUMNS = ["at", "user", "event", "dag_id", "run_id", "task_id"] as const;

/** What makes a spreadsheet take a cell for a formula. */
const FORMULA = /^[=+\-@\t\r]/u;

function cell(value: string | null): string {
  const text = value ?? "";
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

/** Audit entries as CSV (RFC 4180), with cells that a spreadsheet would run made harmless. */
export const csvOf = (entries: AuditEntry[]): string =>
  [COLUMNS.join(","), ...entries.map((entry) => COLUMNS.map((name) => cell(entry[name])).join(","))].join("\r\n");
