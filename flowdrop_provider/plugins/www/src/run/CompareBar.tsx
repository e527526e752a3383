import { Button, Flex, Text } from "@chakra-ui/react";
import { Link } from "react-router-dom";

import { StatusBadge } from "../components/StatusBadge";
import { between, duration, moment } from "../format";
import { runPath } from "../paths";
import { setPlace } from "../place";
import { TEXT } from "../text";
import type { Comparison } from "../types";

/** The other run, and where the two part. */
export function CompareBar({ comparison, select }: { comparison: Comparison; select: (id: string) => void }) {
  const { right, first_difference: first } = comparison;
  const count = comparison.nodes.filter((node) => node.differs).length;
  return (
    <Flex align="center" bg="bg.muted" borderBottomWidth="1px" className="fd-compare" gap={3} px={4} py={1.5} wrap="wrap">
      <Text fontSize="sm" fontWeight="semibold">{TEXT.comparedWith}</Text>
      <Link className="fd-link fd-small" to={runPath(right.dag_id, right.run_id)}>{moment(right.started ?? right.created)}</Link>
      <StatusBadge status={right.status} />
      <Text color="fg.muted" fontSize="sm">{duration(between(right.started, right.completed))}</Text>
      <Text fontSize="sm">{count === 0 ? TEXT.noDifference : TEXT.differences(count)}</Text>
      {comparison.same_revision ? null : <Text color="orange.fg" fontSize="sm">{TEXT.otherRevision}</Text>}
      <Flex flex="1" gap={2} justify="flex-end">
        {first ? <Button onClick={() => select(first)} size="xs" variant="outline">{TEXT.firstDifference}</Button> : null}
        <Button onClick={() => setPlace({ with: undefined })} size="xs" variant="ghost">{TEXT.endCompare}</Button>
      </Flex>
    </Flex>
  );
}
