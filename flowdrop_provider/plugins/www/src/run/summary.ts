import { address } from "../api";
import { between, duration, moment } from "../format";
import { isNote, reasonBesideNodes, stateOf } from "../graph";
import { LOOKS, wayOf, whyOf } from "../status";
import type { Run, Trace } from "../types";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** A run in Markdown, for a ticket: how it ended, why, and a row a node. Values are left out. */
export function markdownOf(trace: Trace, url: string): string {
  const { run } = trace;
  const reason = reasonBesideNodes(trace);
  const who = [run.triggered.user, wayOf(run.triggered)].filter(Boolean).join(", ");
  const nodes = (trace.graph.nodes ?? []).filter((node) => !isNote(node));
  const failed = nodes.filter((node) => stateOf(trace, node.id).status === "failed");
  const rows = nodes.map((node) => {
    const state = stateOf(trace, node.id);
    const took = state.executions > 0 ? duration(state.execution_time_us) : "";
    return `| ${cell(node.label)} | ${LOOKS[state.status].label} | ${took} | ${cell(whyOf(state))} |`;
  });
  return [
    `## ${run.name}: ${LOOKS[run.status].label.toLowerCase()}`,
    "",
    `- Run: [${run.run_id}](${url})`,
    `- Started: ${moment(run.started ?? run.created)}${who ? ` by ${who}` : ""}`,
    `- Took: ${duration(between(run.started, run.completed)) || "not ended"}`,
    `- Revision: \`${run.revision.slice(0, 12)}\``,
    ...(reason ? [`- ${reason}`] : []),
    ...failed.map((node) => `- **${node.label}** (\`${node.id}\`): ${stateOf(trace, node.id).error ?? ""}`),
    "",
    "| Node | Status | Took | Why |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The call that starts the same again; the token stays a variable, so that nobody pastes theirs into a ticket. */
export function curlOf(run: Run, inputs: unknown): string {
  const body = inputs === undefined ? "{}" : JSON.stringify({ inputs });
  return [
    `curl -X POST ${quoted(address(`runs/${run.id}/rerun`))}`,
    `  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'`,
    `  -d ${quoted(body)}`,
  ].join(" \\\n");
}
