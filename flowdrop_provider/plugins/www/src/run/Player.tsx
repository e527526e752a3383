import { Flex, IconButton, Text } from "@chakra-ui/react";

import { Choice } from "../components/Choice";
import { Icon } from "../components/Icon";
import { duration } from "../format";
import { TEXT } from "../text";
import { SPEEDS, type Playback, type Speed } from "./usePlayback";

const STEPS = 1000;

/** Play, pause, a scrubber over the recorded times, a speed. */
export function Player({ playback }: { playback: Playback }) {
  const { period, now, playing, speed } = playback;
  if (!period) return null;
  const whole = period.last - period.first;
  const place = now === undefined ? STEPS : Math.round(((now - period.first) / whole) * STEPS);
  const seek = (step: number) => {
    playback.pause();
    playback.seek(step >= STEPS ? undefined : period.first + (step / STEPS) * whole);
  };
  const said = `${duration(((now ?? period.last) - period.first) * 1000)} / ${duration(whole * 1000)}`;
  return (
    <Flex align="center" className="fd-player" flex="1" gap={2} justify="flex-end" minW="250px">
      <IconButton aria-label={playing ? TEXT.pause : TEXT.play} onClick={playing ? playback.pause : playback.play} size="2xs" variant="subtle">
        <Icon name={playing ? "pause" : "play"} size={11} />
      </IconButton>
      <input aria-label={TEXT.scrubber} aria-valuetext={said} max={STEPS} min={0} onChange={(event) => seek(Number(event.target.value))} step={1}
        type="range" value={place} />
      <Text className="fd-time" color="fg.muted" fontSize="xs">{said}</Text>
      <Choice change={(value) => playback.setSpeed(Number(value) as Speed)} label={TEXT.speed}
        options={SPEEDS.map((known) => [String(known), known === 0 ? TEXT.fit : `× ${known}`])} size="xs" value={String(speed)} />
    </Flex>
  );
}
