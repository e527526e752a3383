import type { Difference, Json } from "../types";

/** Most differences that are shown; the rest is said to be there. */
export const MOST = 200;

const isTree = (value: Json | undefined): value is Json[] | Record<string, Json> => typeof value === "object" && value !== null;

const pointer = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

function walk(left: Json | undefined, right: Json | undefined, path: string, found: Difference[]): void {
  if (found.length > MOST || left === right) return;
  if (isTree(left) && isTree(right) && Array.isArray(left) === Array.isArray(right)) {
    const [ours, theirs] = [left as Record<string, Json>, right as Record<string, Json>];
    for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      walk(ours[name], theirs[name], `${path}/${pointer(name)}`, found);
    }
    return;
  }
  found.push({ path, ...(left === undefined ? {} : { left }), ...(right === undefined ? {} : { right }) });
}

/** Where two values differ, by JSON Pointer (RFC 6901); a side that is absent has no key. */
export function differences(left: Json | undefined, right: Json | undefined): Difference[] {
  const found: Difference[] = [];
  walk(left, right, "", found);
  return found;
}
