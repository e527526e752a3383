import { TEXT } from "./text";
import type { Status } from "./types";

/** How a status looks: a word, Chakra's palette of the host theme, an icon. Never the colour alone. */
export interface Look {
  label: string;
  palette: string;
  icon: IconName;
}

export type IconName =
  | "check" | "cross" | "skip" | "clock" | "run" | "hand" | "ban" | "dot" | "warning" | "copy" | "lock" | "cut" | "focus" | "table"
  | "again" | "compare" | "export" | "play" | "pause" | "path" | "chart" | "audit" | "search";

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

export const isFinal = (status: Status): boolean =>
  ["completed", "completed_with_warnings", "failed", "cancelled", "skipped"].includes(status);
