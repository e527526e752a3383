import type { IconName } from "../status";

const PATHS: Record<IconName, string> = {
  check: "M20 6 9 17l-5-5",
  cross: "M18 6 6 18M6 6l12 12",
  skip: "M5 5l9 7-9 7zM19 5v14",
  clock: "M12 7v5l3 3M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  run: "M21 12a9 9 0 1 1-6.2-8.6",
  hand: "M8 5v14M16 5v14",
  ban: "M5.6 5.6l12.8 12.8M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  dot: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6",
  warning: "M12 4 2.5 20h19zM12 10v4M12 17v.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  cut: "M6 6l12 12M18 6 6 18M6 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6M6 15a3 3 0 1 0 0 6 3 3 0 0 0 0-6",
  focus: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v4M12 18v4M2 12h4M18 12h4",
  again: "M4 12a8 8 0 1 1 2.5 5.8M4 20v-5h5",
  compare: "M8 4v16M16 4v16M3 8l5-4 5 4M21 16l-5 4-5-4",
  export: "M12 3v12M7 10l5 5 5-5M4 20h16",
  play: "M7 4l13 8-13 8z",
  pause: "M8 5v14M16 5v14",
  path: "M4 18h4l4-12h4l2 6h2",
  chart: "M4 20V4M4 20h16M8 16v-5M13 16V7M18 16v-8",
  audit: "M6 3h9l4 4v14H6zM9 12h7M9 16h7",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
  pin: "M9 3h6l-1 7 4 4H6l4-4zM12 14v7",
  reuse: "M10 5 4 10l6 5M4 10h10a6 6 0 0 1 6 6v3",
  outside: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  pulse: "M3 12h4l3-8 4 16 3-8h4",
  table: "M3 5h18v14H3zM3 10h18M3 15h18M10 5v14",
};

/** A line icon in the colour of the text around it; what it means stands beside it in words. */
export function Icon({ name, size = 14 }: { name: IconName; size?: number }) {
  return (
    <svg aria-hidden className={`fd-icon fd-icon-${name}`} fill="none" height={size} stroke="currentColor" strokeLinecap="round"
      strokeLinejoin="round" strokeWidth={2.4} viewBox="0 0 24 24" width={size}>
      <path d={PATHS[name]} />
    </svg>
  );
}
