import { useLayoutEffect, useRef, type RefObject } from "react";

let hadFocus = false;

/** Gives the focus back to an element whose view Airflow mounted anew (see `place.ts`), so that the next key still arrives. */
export function useKeptFocus(): RefObject<HTMLDivElement | null> {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const here = element.current;
    if (hadFocus) here?.focus({ preventScroll: true });
    hadFocus = false;
    return () => {
      hadFocus = here?.contains(document.activeElement) ?? false;
    };
  }, []);
  return element;
}
