/** Times, durations and sizes as people read them. */

/** A duration in microseconds: `0.4 ms`, `12 ms`, `3.2 s`, `2 min 05 s`, `1 h 10 min`. */
export function duration(us: number | null | undefined): string {
  if (us === null || us === undefined || us < 0) return "";
  const ms = us / 1000;
  if (ms < 10) return `${(Math.ceil(ms * 10) / 10).toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** Microseconds between two moments, `undefined` when one is missing. */
export function between(from: string | null, to: string | null): number | undefined {
  return from && to ? Math.max(0, (Date.parse(to) - Date.parse(from)) * 1000) : undefined;
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} kB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}

/** The time zone chosen in Airflow's own menu; the browser's when none was. */
export function hostTimeZone(): string | undefined {
  try {
    const kept = localStorage.getItem("timezone");
    const zone: unknown = kept?.startsWith('"') ? JSON.parse(kept) : kept;
    if (typeof zone !== "string" || zone === "" || zone === "local") return undefined;
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return undefined;
  }
}

export function moment(iso: string | null | undefined): string {
  if (!iso) return "";
  return new Intl.DateTimeFormat("sv-SE", {
    timeZone: hostTimeZone(), year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).format(new Date(iso));
}

/** How long ago: `just now`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function ago(iso: string | null, now: number): string {
  if (!iso) return "";
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/** The time of day of a moment, in the host's time zone, to the millisecond. */
export function clock(iso: string | null | undefined): string {
  if (!iso) return "";
  return new Intl.DateTimeFormat("sv-SE", {
    timeZone: hostTimeZone(), hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
  }).format(new Date(iso)).replace(",", ".");
}

/** A share as percent: `0 %`, `4.2 %`, `100 %`. */
export const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
