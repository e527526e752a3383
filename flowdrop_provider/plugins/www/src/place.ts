import { useSyncExternalStore } from "react";

/** What a view shows, kept in the address (`?node=`, `?with=`, filters) without going through Airflow's router.
 *
 * A navigation there renders the host's whole page, and the first one mounts our component anew (Airflow 3.3 shows a plugin
 * through `lazy` until its script is loaded and directly from then on): focus and the place on the canvas would be lost. It also
 * comes late, in a transition, so that a second key would act on the node before the first one.
 */
const listeners = new Set<() => void>();

const tell = () => listeners.forEach((listener) => listener());

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

const current = () => location.search;

/** What the address says now. */
export const readPlace = (): URLSearchParams => new URLSearchParams(location.search);

/** Replaces parts of the address; `undefined` takes one out. */
export function setPlace(changes: Record<string, string | undefined>): void {
  const search = readPlace();
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) search.delete(name);
    else search.set(name, value);
  }
  const text = search.toString();
  history.replaceState(history.state, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
  tell();
}

/** What the address says, rendered again when that changes. */
export const usePlace = (): URLSearchParams => new URLSearchParams(useSyncExternalStore(subscribe, current));
