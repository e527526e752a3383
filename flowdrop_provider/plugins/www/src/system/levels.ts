import type { IconName } from "../status";
import { TEXT } from "../text";
import type { Check, CheckLevel, CheckUp } from "../types";

/** How a verdict looks: a word, Chakra's palette, an icon; the worst first. */
export const LEVELS: Record<CheckLevel, { label: string; palette: string; icon: IconName }> = {
  error: { label: TEXT.levelError, palette: "red", icon: "cross" },
  warning: { label: TEXT.levelWarning, palette: "orange", icon: "warning" },
  unknown: { label: TEXT.levelUnknown, palette: "gray", icon: "dot" },
  ok: { label: TEXT.levelOk, palette: "green", icon: "check" },
};

const ORDER = Object.keys(LEVELS) as CheckLevel[];

/** The verdicts to act on, the worst first, and those that are fine. */
export function sorted(checks: Check[]): { open: Check[]; fine: Check[] } {
  const rank = (check: Check) => ORDER.indexOf(check.level);
  return {
    open: checks.filter((check) => check.level !== "ok").sort((one, other) => rank(one) - rank(other)),
    fine: checks.filter((check) => check.level === "ok"),
  };
}

/** The check-up as text to paste into a ticket. */
export function asText({ checks, versions }: CheckUp): string {
  const { open, fine } = sorted(checks);
  const lines = [...open, ...fine].map(({ level, title, found, advice }) => `[${LEVELS[level].label}] ${title}: ${found}${advice ? `\n    ${advice}` : ""}`);
  return [Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "), ...lines, ""].join("\n");
}
