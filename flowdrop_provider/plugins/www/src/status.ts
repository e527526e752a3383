import { TEXT } from "./text";
import type { Injected, NodeState, Status, Trigger } from "./types";

/** How a status looks: a word, Chakra's palette of the host theme, an icon. Never the colour alone. */
export interface Look {
  label: string;
  palette: string;
  icon: IconName;
}

export type IconName =
  | "check" | "cross" | "skip" | "clock" | "run" | "hand" | "ban" | "dot" | "warning" | "copy" | "lock" | "cut" | "focus" | "table"
  | "again" | "compare" | "export" | "play" | "pause" | "path" | "chart" | "audit" | "search" | "pin" | "reuse" | "outside" | "pulse";

export const LOOKS: Record<Status, Look> = {
  idle: { label: "Not reached", palette: "gray", icon: "dot" },
  pending: { label: "Queued", palette: "gray", icon: "clock" },
  running: { label: "Running", palette: "blue", icon: "run" },
  completed: { label: "Completed", palette: "green", icon: "check" },
  completed_with_warnings: { label: "Completed with warnings", palette: "orange", icon: "warning" },
  failed: { label: "Failed", palette: "red", icon: "cross" },
  cancelled: { label: "Cancelled", palette: "gray", icon: "ban" },
  skipped: { label: "Skipped", palette: "purple", icon: "skip" },
  interrupted: { label: "Waiting", palette: "orange", icon: "hand" },
  paused: { label: "Waiting", palette: "orange", icon: "hand" },
};

/** Why a node was skipped, as a sentence. */
export function skipSentence(reason: string | null): string {
  if (!reason || reason === "branch_not_active") return TEXT.notTaken;
  return TEXT.skipReasons[reason] ?? reason.replaceAll("_", " ");
}

/** Where the outputs of a node came from that was not executed: a word for the drawing, a sentence for the panel. */
export function originOf({ source }: Injected): { icon: IconName; word: string; sentence: string } {
  return source === "pin"
    ? { icon: "pin", word: TEXT.pinned, sentence: TEXT.pinnedMore }
    : { icon: "reuse", word: TEXT.reused, sentence: TEXT.reusedMore(source) };
}

/** How a run was started, in a few words: what FlowDrop noted says more than what Airflow did. */
export function wayOf({ type, via, source }: Trigger): string {
  const way = source ?? via ?? type;
  return TEXT.triggers[way] ?? way;
}

/** Why a node stands as it does, as a sentence: its error, the reason of a skip, where its outputs came from; else nothing. */
export function whyOf(state: NodeState): string {
  if (state.error) return state.error;
  if (state.status === "skipped") return skipSentence(state.skip_reason);
  return state.injected ? originOf(state.injected).sentence : "";
}

export const isFinal = (status: Status): boolean =>
  ["completed", "completed_with_warnings", "failed", "cancelled", "skipped"].includes(status);
