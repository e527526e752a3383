import { Box, Text } from "@chakra-ui/react";

import { TEXT } from "../text";
import type { Difference, Json } from "../types";

const LONGEST = 400;

const shown = (value: Json | undefined): string => {
  if (value === undefined) return TEXT.absent;
  const text = JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
};

/** Differences between two values, a row a place: before and after, told apart by sign as well as by colour. */
export function Diff({ title, found, complete = true }: { title: string; found: Difference[]; complete?: boolean }) {
  return (
    <Box mb={4}>
      <Text fontSize="sm" fontWeight="semibold" mb={1}>{title}</Text>
      {found.length === 0 ? <Text color="fg.muted" fontSize="sm">{TEXT.same}</Text> : null}
      <ul className="fd-diff">
        {found.map((difference) => (
          <li key={difference.path}>
            <code className="fd-diff-path">{difference.path || "/"}</code>
            <div className="fd-diff-left"><span aria-label={TEXT.before}>−</span> {shown(difference.left)}</div>
            <div className="fd-diff-right"><span aria-label={TEXT.after}>+</span> {shown(difference.right)}</div>
          </li>
        ))}
      </ul>
      {complete ? null : <Text color="orange.fg" fontSize="xs">{TEXT.moreDifferences}</Text>}
    </Box>
  );
}
