import { Box, Code, Tabs, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";

import { JsonTree } from "../components/JsonTree";
import { duration, moment } from "../format";
import { TEXT } from "../text";
import { isFinal, skipSentence } from "../status";
import type { Job, JobError, Json, NodeComparison, Run } from "../types";
import { Config } from "./Config";
import { DiffTab } from "./DiffTab";
import { Log } from "./Log";

const Quiet = ({ children }: { children: ReactNode }) => <Text color="fg.muted" fontSize="sm">{children}</Text>;

function Values({ job, side }: { job: Job; side: "input" | "output" }) {
  const value: Record<string, Json> | undefined = side === "input" ? job.input_data : job.output_data;
  if (value === undefined) return <Quiet>{TEXT.noValues}</Quiet>;
  if (Object.keys(value).length === 0) {
    if (job.status === "idle" || job.status === "pending") return <Quiet>{TEXT.notReached}</Quiet>;
    if (job.status === "running" || job.status === "interrupted") return <Quiet>{TEXT.notYet}</Quiet>;
    return <Quiet>{side === "input" ? TEXT.noInput : TEXT.noOutput}</Quiet>;
  }
  return <JsonTree marks={{ truncated: job.truncated ?? {}, redacted: job.redacted ?? [] }} name={job.label} root={`${side}_data`} value={value} />;
}

/** What went wrong: sentence, code, whether to repeat, details. */
export function ErrorBox({ error, routed = false }: { error: JobError; routed?: boolean }) {
  const details = error.details && typeof error.details === "object" && !Array.isArray(error.details) ? error.details : undefined;
  return (
    <Box className="fd-error-box" p={3}>
      <Text fontSize="sm" fontWeight="semibold" whiteSpace="pre-wrap">{error.message}</Text>
      <Text color="fg.muted" fontSize="xs" mt={1}>
        {error.code ? <Code mr={2} size="sm">{error.code}</Code> : null}
        {error.retryable === undefined ? "" : error.retryable ? TEXT.retryable : TEXT.notRetryable}
      </Text>
      {routed ? <Text fontSize="xs" mt={1}>{TEXT.routed}</Text> : null}
      {details && Object.keys(details).length > 0
        ? <Box mt={2}><JsonTree marks={{ truncated: {}, redacted: [] }} root="details" value={details} /></Box> : null}
    </Box>
  );
}

function Attempts({ job }: { job: Job }) {
  const attempts = job.attempts ?? [];
  if (attempts.length === 0) return <Quiet>{TEXT.noAttempts}</Quiet>;
  return (
    <ol className="fd-attempts">
      {attempts.map((attempt, index) => (
        <li key={index}>
          <Text fontSize="sm" fontWeight="semibold">#{attempt.number ?? index + 1} · {duration(attempt.execution_time_us)}</Text>
          <Quiet>{moment(attempt.started)}</Quiet>
          {attempt.error ? <ErrorBox error={attempt.error} /> : null}
        </li>
      ))}
    </ol>
  );
}

interface JobPanelProps {
  job: Job;
  /** All jobs of its node, in their order. */
  jobs: Job[];
  run: Run;
  compared?: NodeComparison;
}

/** Everything one job tells, in tabs; opens with the error of a failed one, with the differences in a comparison. */
export function JobPanel({ job, jobs, run, compared }: JobPanelProps) {
  const panels: [keyof typeof TEXT.tabs, ReactNode][] = [
    ...(job.error ? [["error", <ErrorBox error={job.error} key="error" routed={job.routed} />] as [keyof typeof TEXT.tabs, ReactNode]] : []),
    ["output", <Values job={job} key="output" side="output" />],
    ["input", <Values job={job} key="input" side="input" />],
    ["diff", <DiffTab compared={compared} job={job} jobs={jobs} key="diff" />],
    ["log", <Log key="log" live={!isFinal(job.status)} nodeId={job.node_id} runId={run.id} />],
    ["attempts", <Attempts job={job} key="attempts" />],
    ["config", <Config key="config" nodeId={job.node_id} revision={run.revision} workflowId={run.workflow_id} />],
  ];
  const first = compared?.differs ? "diff" : job.error ? "error" : "output";
  return (
    <>
      {job.status === "skipped" ? <Box className="fd-skip-reason"><Text fontSize="sm">{skipSentence(job.skip_reason)}</Text></Box> : null}
      <Tabs.Root className="fd-tabs" defaultValue={first} key={`${job.id} ${first}`} lazyMount size="sm" unmountOnExit variant="line">
        <Tabs.List>
          {panels.map(([name]) => <Tabs.Trigger key={name} value={name}>{TEXT.tabs[name]}</Tabs.Trigger>)}
        </Tabs.List>
        {panels.map(([name, panel]) => <Tabs.Content key={name} value={name}>{panel}</Tabs.Content>)}
      </Tabs.Root>
    </>
  );
}
