import { Box, Flex, Input, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, readLogs } from "../api";
import { Choice } from "../components/Choice";
import { Failure, Loading } from "../components/Messages";
import { clock } from "../format";
import { TEXT } from "../text";
import type { LogLine } from "../types";

const SEVERITY: LogLine["level"][] = ["debug", "info", "warning", "error"];
const LIVE = 5_000;

interface LogProps {
  runId: string;
  nodeId: string;
  live: boolean;
}

const matches = (line: LogLine, level: string, part: string): boolean =>
  SEVERITY.indexOf(line.level) >= SEVERITY.indexOf(level as LogLine["level"]) && line.message.toLowerCase().includes(part.toLowerCase());

/** Airflow's log of the task that ran a node, newest attempt. */
export function Log({ runId, nodeId, live }: LogProps) {
  const query = useQuery({
    queryKey: ["logs", runId, nodeId], queryFn: ({ signal }) => readLogs(runId, nodeId, signal), refetchInterval: live ? LIVE : false,
  });
  const [level, setLevel] = useState("debug");
  const [part, setPart] = useState("");
  if (query.isPending) return <Loading rows={3} />;
  if (query.error instanceof ApiError && query.error.status === 403) return <Text color="fg.muted" fontSize="sm">{TEXT.logForbidden}</Text>;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  const lines = query.data.data.filter((line) => matches(line, level, part));
  return (
    <Box>
      <Flex gap={2} mb={2}>
        <Input aria-label={TEXT.search} onChange={(event) => setPart(event.target.value)} placeholder={TEXT.search} size="xs" value={part} />
        <Choice change={setLevel} label={TEXT.level} options={SEVERITY.map((name) => [name, TEXT.levels[name] ?? name])} size="xs" value={level} />
      </Flex>
      {query.data.message ? <Text color="orange.fg" fontSize="xs" mb={1}>{query.data.message}</Text> : null}
      {lines.length === 0 ? <Text color="fg.muted" fontSize="sm">{TEXT.noLog}</Text> : null}
      <ol className="fd-log">
        {lines.map((line, index) => (
          <li className={`fd-log-${line.level}`} key={index}><time>{clock(line.timestamp)}</time> {line.message}</li>
        ))}
      </ol>
    </Box>
  );
}
