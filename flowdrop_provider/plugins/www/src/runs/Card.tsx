import { Box, Flex, Heading, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";

import { readCounts, readMetrics } from "../api";
import { Icon } from "../components/Icon";
import { Failure, Loading } from "../components/Messages";
import { seconds, together } from "../metrics/figures";
import { homePath } from "../paths";
import { LOOKS } from "../status";
import { TEXT } from "../text";
import type { RunStatus } from "../types";
import { beginning, STATUSES } from "./filters";

const PERIOD = "24h";
const CALM = 30_000;

/** The day's runs by status and how long they took. */
function useDay() {
  const scope = () => ({ since: beginning(PERIOD, Date.now()) });
  const counts = useQuery({ queryKey: ["card", "counts"], queryFn: ({ signal }) => readCounts(scope(), signal), refetchInterval: CALM });
  const figures = useQuery({
    queryKey: ["card", "figures"], queryFn: ({ signal }) => readMetrics({ ...scope(), group_by: "workflow" }, signal), refetchInterval: CALM,
  });
  return { counts, figures };
}

function Count({ status, count }: { status: RunStatus; count: number }) {
  const look = LOOKS[status];
  return (
    <Link className="fd-tally" to={homePath({ status, time: PERIOD })}>
      <Text as="span" color={`${look.palette}.fg`}><Icon name={look.icon} size={14} /></Text>
      <strong>{count}</strong>
      <span>{look.label.toLowerCase()}</span>
    </Link>
  );
}

function Day() {
  const { counts, figures } = useDay();
  const error = counts.error ?? figures.error;
  if (error) return <Failure error={error} retry={() => void Promise.all([counts.refetch(), figures.refetch()])} />;
  if (!counts.data || !figures.data) return <Loading rows={1} />;
  const shown = STATUSES.flatMap((status) => ((counts.data[status] ?? 0) > 0 ? [{ status, count: counts.data[status] ?? 0 }] : []));
  if (shown.length === 0) return <Text color="fg.muted" fontSize="sm">{TEXT.cardNone}</Text>;
  const day = together(figures.data);
  return (
    <Flex align="center" columnGap={5} rowGap={2} wrap="wrap">
      {shown.map(({ status, count }) => <Count count={count} key={status} status={status} />)}
      {day ? <Text color="fg.muted" fontSize="sm" title={TEXT.cardSlowestMore}>{TEXT.cardSlowest(seconds(day.duration_s.p95))}</Text> : null}
    </Flex>
  );
}

/** FlowDrop's day on Airflow's first page. */
export function Card() {
  return (
    <Box as="section" aria-label={TEXT.cardTitle} borderRadius="md" borderWidth="1px" className="fd-day" p={4}>
      <Flex align="baseline" gap={3} justify="space-between" mb={3}>
        <Heading size="sm">{TEXT.cardTitle}</Heading>
        <Link className="fd-link fd-small" to={homePath({ time: PERIOD })}>{TEXT.cardAll}</Link>
      </Flex>
      <Day />
    </Box>
  );
}
