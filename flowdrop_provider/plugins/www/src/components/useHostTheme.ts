import { useSyncExternalStore } from "react";

const page = document.documentElement;

function watch(tell: () => void): () => void {
  const observer = new MutationObserver(tell);
  observer.observe(page, { attributes: true, attributeFilter: ["class"] });
  return () => observer.disconnect();
}

const current = () => (page.classList.contains("dark") ? "dark" : "light");

/** The theme that Airflow's page shows: it writes it on the root element. */
export const useHostTheme = (): "dark" | "light" => useSyncExternalStore(watch, current);
