import { useLayoutEffect, useRef, useState, type RefObject } from "react";

const LEAST = 460;
const MARGIN = 16;

/** The height in pixels from an element to the lower edge of the window, so that a view fills the page and no more. */
export function useRoom(): [RefObject<HTMLDivElement | null>, number] {
  const frame = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(LEAST);
  useLayoutEffect(() => {
    const measure = () => setHeight(Math.max(LEAST, window.innerHeight - (frame.current?.getBoundingClientRect().top ?? 0) - MARGIN));
    measure();
    const settled = setTimeout(measure, 300);
    window.addEventListener("resize", measure);
    return () => {
      clearTimeout(settled);
      window.removeEventListener("resize", measure);
    };
  }, []);
  return [frame, height];
}
