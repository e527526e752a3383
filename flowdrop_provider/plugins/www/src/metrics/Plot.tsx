import { Box, Flex, Text } from "@chakra-ui/react";

import { moment } from "../format";
import { TEXT } from "../text";
import type { Slice } from "../types";
import { seconds } from "./figures";

const WIDTH = 600;
const HEIGHT = 120;
const GAP = 2;

interface PlotProps {
  title: string;
  slices: Slice[];
  most: number;
  say: (slice: Slice) => string;
  parts: (slice: Slice) => [value: number, className: string][];
  top: string;
}

/** Bars over time, stacked; every bar says what it stands for. */
function Plot({ title, slices, most, say, parts, top }: PlotProps) {
  const step = WIDTH / Math.max(1, slices.length);
  const height = (value: number) => (value / Math.max(most, Number.EPSILON)) * HEIGHT;
  return (
    <Box borderRadius="md" borderWidth="1px" flex="1 1 320px" p={3}>
      <Flex justify="space-between">
        <Text fontSize="sm" fontWeight="semibold">{title}</Text>
        <Text color="fg.muted" fontSize="xs">{TEXT.upTo(top)}</Text>
      </Flex>
      <svg aria-label={title} className="fd-plot" preserveAspectRatio="none" role="img" viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
        <line className="fd-plot-base" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {slices.map((slice, index) => {
          let below = 0;
          return (
            <g key={slice.at}>
              <title>{say(slice)}</title>
              <rect className="fd-plot-ground" height={HEIGHT} width={step} x={index * step} y={0} />
              {parts(slice).map(([value, className]) => {
                below += height(value);
                return <rect className={className} height={height(value)} key={className} rx={1.5} width={Math.max(1, step - GAP)} x={index * step + GAP / 2} y={HEIGHT - below} />;
              })}
            </g>
          );
        })}
      </svg>
      <Flex justify="space-between">
        <Text color="fg.muted" fontSize="xs">{moment(slices[0]?.at)}</Text>
        <Text color="fg.muted" fontSize="xs">{TEXT.now}</Text>
      </Flex>
    </Box>
  );
}

/** How many runs ended in each slice of time, and how many of them failed. */
export function RunsPlot({ slices }: { slices: Slice[] }) {
  const most = Math.max(...slices.map((slice) => slice.count), 1);
  return (
    <Plot most={most} parts={(slice) => [[slice.failed, "fd-plot-failed"], [slice.count - slice.failed, "fd-plot-good"]]}
      say={(slice) => `${moment(slice.at)}: ${TEXT.runsSaid(slice.count, slice.failed)}`} slices={slices} title={TEXT.runsOverTime} top={String(most)} />
  );
}

/** How long runs took on average in each slice of time. */
export function TimePlot({ slices }: { slices: Slice[] }) {
  const most = Math.max(...slices.map((slice) => slice.mean_s ?? 0), 0);
  return (
    <Plot most={most} parts={(slice) => [[slice.mean_s ?? 0, "fd-plot-time"]]}
      say={(slice) => `${moment(slice.at)}: ${seconds(slice.mean_s)}`} slices={slices} title={TEXT.timeOverTime} top={seconds(most)} />
  );
}
