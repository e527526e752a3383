import { Badge, Box, Button, Flex, Heading, Table, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { readDoctor } from "../api";
import { Icon } from "../components/Icon";
import { Failure, Loading } from "../components/Messages";
import { TEXT } from "../text";
import type { Check, CheckLevel, CheckUp } from "../types";
import { asText, LEVELS, sorted } from "./levels";

function Level({ level, count }: { level: CheckLevel; count?: number }) {
  const { label, palette, icon } = LEVELS[level];
  return <Badge colorPalette={palette} gap={1} size="sm" variant="subtle"><Icon name={icon} size={12} />{count === undefined ? label : `${label}: ${count}`}</Badge>;
}

function Row({ check }: { check: Check }) {
  return (
    <Table.Row>
      <Table.Cell verticalAlign="top" whiteSpace="nowrap"><Level level={check.level} /></Table.Cell>
      <Table.Cell verticalAlign="top">
        <Text fontWeight="semibold">{check.title}</Text>
        <Text color="fg.muted" fontSize="xs">{check.id}</Text>
      </Table.Cell>
      <Table.Cell overflowWrap="anywhere" verticalAlign="top">{check.found}</Table.Cell>
      <Table.Cell overflowWrap="anywhere" verticalAlign="top">{check.advice || TEXT.nothingToDo}</Table.Cell>
    </Table.Row>
  );
}

function Report({ found, again, asking }: { found: CheckUp; again: () => void; asking: boolean }) {
  const { open, fine } = sorted(found.checks);
  const [all, setAll] = useState(false);
  const shown = all ? [...open, ...fine] : open;
  return (
    <>
      <Flex align="center" gap={2} mb={2} wrap="wrap">
        <Heading size="sm">{TEXT.checkUp}</Heading>
        {(Object.keys(LEVELS) as CheckLevel[]).filter((level) => found.counts[level]).map((level) => <Level count={found.counts[level]} key={level} level={level} />)}
        <Box flex="1" />
        <Button onClick={() => void navigator.clipboard.writeText(asText(found))} size="xs" variant="outline"><Icon name="copy" />{TEXT.copyText}</Button>
        <Button loading={asking} onClick={again} size="xs" variant="outline"><Icon name="again" />{TEXT.checkAgain}</Button>
      </Flex>
      {open.length === 0 ? <Text color="green.fg" fontSize="sm" mb={2}><Icon name="check" /> {TEXT.allFine}</Text> : null}
      {shown.length > 0 ? (
        <Box borderRadius="md" borderWidth="1px" overflowX="auto">
          <Table.Root aria-label={TEXT.checkUp} size="sm">
            <Table.Header><Table.Row>
              {[TEXT.verdict, TEXT.checked, TEXT.found, TEXT.toDo].map((name) => <Table.ColumnHeader key={name}>{name}</Table.ColumnHeader>)}
            </Table.Row></Table.Header>
            <Table.Body>{shown.map((check) => <Row check={check} key={check.id} />)}</Table.Body>
          </Table.Root>
        </Box>
      ) : null}
      <Flex align="center" gap={3} justify="space-between" mt={2} wrap="wrap">
        <Button aria-expanded={all} onClick={() => setAll(!all)} size="xs" variant="ghost">{all ? TEXT.hideFine : TEXT.showFine(fine.length)}</Button>
        <Text color="fg.muted" fontSize="xs">{Object.entries(found.versions).map(([name, version]) => `${name} ${version}`).join(" · ")}</Text>
      </Flex>
    </>
  );
}

/** What to change in this deployment and why, as the API server sees it. */
export function CheckUpPanel() {
  const query = useQuery({ queryKey: ["doctor"], queryFn: ({ signal }) => readDoctor(signal) });
  if (query.isPending) return <Loading rows={6} />;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Report again={() => void query.refetch()} asking={query.isFetching} found={query.data} />;
}
