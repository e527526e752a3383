import { Badge } from "@chakra-ui/react";

import { LOOKS } from "../status";
import type { Status } from "../types";
import { Icon } from "./Icon";

/** A status as colour, icon and word. */
export function StatusBadge({ status, size = "sm" }: { status: Status; size?: "sm" | "md" }) {
  const { label, palette, icon } = LOOKS[status];
  return (
    <Badge colorPalette={palette} gap={1} size={size} variant="subtle">
      <Icon name={icon} size={12} />
      {label}
    </Badge>
  );
}
