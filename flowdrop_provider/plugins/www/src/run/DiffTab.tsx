import { Box, Text } from "@chakra-ui/react";
import { useState } from "react";

import { Choice } from "../components/Choice";
import { LOOKS } from "../status";
import { TEXT } from "../text";
import type { Attempt, Job, Json, NodeComparison } from "../types";
import { Diff } from "./Diff";
import { differences, MOST } from "./differences";

/** Something a job can be laid against: another round, or an earlier attempt of its own. */
interface Other {
  label: string;
  input: Record<string, Json> | undefined;
  output: Record<string, Json> | undefined;
}

const ofAttempt = (attempt: Attempt, index: number): Other =>
  ({ label: TEXT.attempt(attempt.number ?? index + 1), input: attempt.input_data, output: attempt.output_data });

function others(job: Job, jobs: Job[]): Other[] {
  const rounds = jobs.map((other, index): Other => ({
    label: TEXT.roundOf(index + 1, jobs.length, LOOKS[other.status].label), input: other.input_data, output: other.output_data,
  })).filter((_, index) => jobs[index]?.id !== job.id);
  const attempts = (job.attempts ?? []).slice(0, -1).filter((attempt) => attempt.input_data ?? attempt.output_data);
  return [...rounds, ...attempts.map(ofAttempt)];
}

function Against({ job, other }: { job: Job; other: Other }) {
  const [input, output] = [differences(other.input, job.input_data), differences(other.output, job.output_data)];
  return (
    <>
      <Diff complete={input.length <= MOST} found={input} title={TEXT.tabs.input} />
      <Diff complete={output.length <= MOST} found={output} title={TEXT.tabs.output} />
    </>
  );
}

/** A job against another round or attempt, or against the other run when one is laid beside. */
export function DiffTab({ job, jobs, compared }: { job: Job; jobs: Job[]; compared: NodeComparison | undefined }) {
  const known = others(job, jobs);
  // What came just before is what most people want to lay it against.
  const [chosen, choose] = useState(() => String(Math.max(0, jobs.findIndex((other) => other.id === job.id) - 1)));
  if (compared) {
    // The API tells this run first; here the other one is what was before.
    const turned = (found: NodeComparison["input_data"] = []) => found.map(({ path, left, right }) => ({ path, left: right, right: left }));
    return (
      <>
        <Text color="fg.muted" fontSize="xs" mb={3}>{TEXT.diffOtherRun}</Text>
        <Diff complete={compared.input_data_complete} found={turned(compared.input_data)} title={TEXT.tabs.input} />
        <Diff complete={compared.output_data_complete} found={turned(compared.output_data)} title={TEXT.tabs.output} />
      </>
    );
  }
  const other = known[Number(chosen)] ?? known[0];
  if (!other) return <Text color="fg.muted" fontSize="sm">{TEXT.nothingToCompare}</Text>;
  return (
    <>
      <Box mb={3}>
        <Choice change={choose} label={TEXT.against} options={known.map(({ label }, index) => [String(index), `${TEXT.against} ${label}`])} size="xs" value={chosen} />
      </Box>
      <Against job={job} other={other} />
    </>
  );
}
