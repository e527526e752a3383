import { useEffect, useMemo, useState } from "react";

import type { Trace } from "../types";
import { momentsOf, passed, periodOf, traceAt, type Period } from "./playback";

/** How long a whole run takes to play at `fit`, in milliseconds. */
const FIT = 10_000;
const FRAME = 50;

/** Speeds by name; `0` fits the whole run into ten seconds. */
export const SPEEDS = [0, 1, 4, 16, 64] as const;
export type Speed = (typeof SPEEDS)[number];

export interface Playback {
  /** The shown time in milliseconds, `undefined` for the run as it is now. */
  now: number | undefined;
  period: Period | undefined;
  playing: boolean;
  speed: Speed;
  play: () => void;
  pause: () => void;
  seek: (now: number | undefined) => void;
  setSpeed: (speed: Speed) => void;
}

/** A run played from its recorded times: the trace as it stood, and the controls. `start` is a time to begin at, from the address. */
export function usePlayback(trace: Trace, start: number | undefined): [Trace, Playback] {
  const period = useMemo(() => periodOf(trace.timeline), [trace.timeline]);
  const moments = useMemo(() => momentsOf(trace.timeline), [trace.timeline]);
  const [now, setNow] = useState(start);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<Speed>(0);
  useEffect(() => {
    if (!playing || !period) return;
    const rate = speed || Math.max(0.01, (period.last - period.first) / FIT);
    let place = now ?? period.first;
    const timer = setInterval(() => {
      place += FRAME * rate;
      setNow(place < period.last ? place : undefined);
      if (place >= period.last) setPlaying(false);
    }, FRAME);
    return () => clearInterval(timer);
    // Where it goes on from is read once; from then on time moves here.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [playing, period, speed]);
  // The drawing changes at recorded moments only, however finely time is played.
  const step = now === undefined ? -1 : passed(moments, now);
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const shown = useMemo(() => (now === undefined ? trace : traceAt(trace, now)), [trace, step]);
  const play = () => {
    if (now === undefined) setNow(period?.first);
    setPlaying(true);
  };
  return [shown, { now, period, playing, speed, play, pause: () => setPlaying(false), seek: setNow, setSpeed }];
}
