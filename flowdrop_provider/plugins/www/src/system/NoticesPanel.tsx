import { Box, Button, Code, Flex, Heading, Table, Text } from "@chakra-ui/react";
import { useMutation, useQuery } from "@tanstack/react-query";

import { readNoticeRules, tryNoticeRule } from "../api";
import { Refused } from "../components/Ask";
import { Icon } from "../components/Icon";
import { Failure, Loading, Notice } from "../components/Messages";
import { seconds } from "../metrics/figures";
import { TEXT } from "../text";
import type { NoticeRule, NoticeTest } from "../types";

function Outcome({ test }: { test: NoticeTest }) {
  return (
    <Box mt={2} role="status">
      {test.channels.map(({ kind, to, sent, error, seconds: took }) => (
        <Text color={sent ? "green.fg" : "red.fg"} fontSize="xs" key={`${kind} ${to}`} overflowWrap="anywhere">
          <Icon name={sent ? "check" : "cross"} size={12} /> {TEXT.channel(kind, to)}: {sent ? TEXT.testSent(seconds(took)) : error}
        </Text>
      ))}
    </Box>
  );
}

function Row({ rule }: { rule: NoticeRule }) {
  const trying = useMutation({ mutationFn: () => tryNoticeRule(rule.rule) });
  return (
    <Table.Row>
      <Table.Cell fontWeight="semibold" verticalAlign="top">{rule.rule}</Table.Cell>
      <Table.Cell verticalAlign="top">{rule.workflows.join(", ")}</Table.Cell>
      <Table.Cell verticalAlign="top">{rule.on.map((kind) => TEXT.noticeKinds[kind] ?? kind).join(", ")}</Table.Cell>
      <Table.Cell verticalAlign="top">
        {rule.channels.map(({ kind, to }) => <Text key={`${kind} ${to}`} overflowWrap="anywhere">{TEXT.channel(kind, to)}</Text>)}
        {trying.data ? <Outcome test={trying.data} /> : null}
        {trying.error ? <Refused error={trying.error} /> : null}
      </Table.Cell>
      <Table.Cell textAlign="end" verticalAlign="top">
        <Button aria-label={TEXT.sendTestOf(rule.rule)} loading={trying.isPending} onClick={() => trying.mutate()} size="xs" variant="outline">{TEXT.sendTest}</Button>
      </Table.Cell>
    </Table.Row>
  );
}

/** The rules for notices, and a test message by each of them. */
export function NoticesPanel() {
  const query = useQuery({ queryKey: ["notices"], queryFn: ({ signal }) => readNoticeRules(signal) });
  if (query.isPending) return <Loading rows={2} />;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return (
    <Box>
      <Flex align="baseline" gap={3} mb={2} wrap="wrap">
        <Heading size="sm">{TEXT.noticeRules}</Heading>
        <Text color="fg.muted" fontSize="sm">{TEXT.noticeRulesMore}</Text>
      </Flex>
      {query.data.length === 0 ? (
        <Notice icon="outside" title={TEXT.noRules}>{TEXT.noRulesMore} <Code size="sm">[flowdrop] notices</Code></Notice>
      ) : (
        <Box borderRadius="md" borderWidth="1px" overflowX="auto">
          <Table.Root aria-label={TEXT.noticeRules} size="sm">
            <Table.Header><Table.Row>
              {[TEXT.rule, TEXT.ofWorkflows, TEXT.tellsOf, TEXT.tellsBy].map((name) => <Table.ColumnHeader key={name}>{name}</Table.ColumnHeader>)}
              <Table.ColumnHeader><span className="fd-unseen">{TEXT.sendTest}</span></Table.ColumnHeader>
            </Table.Row></Table.Header>
            <Table.Body>{query.data.map((rule) => <Row key={rule.rule} rule={rule} />)}</Table.Body>
          </Table.Root>
        </Box>
      )}
    </Box>
  );
}
