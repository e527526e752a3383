import { Button, Flex, Text } from "@chakra-ui/react";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useNavigate } from "react-router-dom";

import { markRun, rerun, stopRun } from "../api";
import { Ask } from "../components/Ask";
import { Icon } from "../components/Icon";
import { runPath } from "../paths";
import { useRights } from "../rights";
import { isFinal } from "../status";
import { TEXT } from "../text";
import type { RunRow } from "../types";

type Kind = "stop" | "rerun" | "success" | "failed";

const ACTS: Record<Kind, (row: RunRow) => Promise<unknown>> = {
  stop: (row) => stopRun(row.id, ""),
  rerun: (row) => rerun(row.id, {}),
  success: (row) => markRun(row.dag_id, row.run_id, "success"),
  failed: (row) => markRun(row.dag_id, row.run_id, "failed"),
};

/** Does something to each run, one after the other, and says how many were refused and why the first was. */
async function all(rows: RunRow[], act: (row: RunRow) => Promise<unknown>): Promise<void> {
  const refused: string[] = [];
  for (const row of rows) {
    await act(row).catch((error: unknown) => refused.push(`${row.name}: ${error instanceof Error ? error.message : String(error)}`));
  }
  if (refused[0] !== undefined) throw new Error(TEXT.refused(refused.length, rows.length, refused[0]));
}

function Act({ icon, children, onClick, count }: { icon: "ban" | "again" | "check" | "cross"; children: ReactNode; onClick: () => void; count: number }) {
  return count === 0 ? null : <Button onClick={onClick} size="xs" variant="outline"><Icon name={icon} />{children} ({count})</Button>;
}

function CompareTwo({ rows }: { rows: RunRow[] }) {
  const navigate = useNavigate();
  const [one, other] = rows;
  if (rows.length !== 2 || !one || !other || one.dag_id !== other.dag_id) return null;
  const go = () => void navigate(`${runPath(one.dag_id, one.run_id)}?with=${other.id}`);
  return <Button onClick={go} size="xs" variant="outline"><Icon name="compare" />{TEXT.compare}</Button>;
}

/** What can be done with the runs that were picked; only what their reader may do with all of them. */
export function BulkBar({ rows, clear }: { rows: RunRow[]; clear: () => void }) {
  const client = useQueryClient();
  const dagIds = rows.map((row) => row.dag_id);
  const rights = useRights(dagIds);
  const [asked, setAsked] = useState<Kind>();
  const [start, stop] = [rights.all("start", dagIds), rights.all("stop", dagIds)];
  const live = stop ? rows.filter((row) => !isFinal(row.outcome)) : [];
  const ended = rows.filter((row) => isFinal(row.outcome));
  const chosen = asked === "stop" ? live : ended;
  const act = async () => {
    if (asked) await all(chosen, ACTS[asked]).finally(() => void client.invalidateQueries());
    clear();
  };
  return (
    <Flex align="center" bg="bg.muted" borderRadius="md" gap={2} px={3} py={2} role="toolbar" wrap="wrap">
      <Text fontSize="sm" fontWeight="semibold">{TEXT.picked(rows.length)}</Text>
      <Act count={live.length} icon="ban" onClick={() => setAsked("stop")}>{TEXT.stop}</Act>
      <Act count={start ? ended.length : 0} icon="again" onClick={() => setAsked("rerun")}>{TEXT.rerun}</Act>
      <Act count={stop ? ended.length : 0} icon="check" onClick={() => setAsked("success")}>{TEXT.markSuccess}</Act>
      <Act count={stop ? ended.length : 0} icon="cross" onClick={() => setAsked("failed")}>{TEXT.markFailed}</Act>
      <CompareTwo rows={rows} />
      <Button ml="auto" onClick={clear} size="xs" variant="ghost">{TEXT.unpick}</Button>
      {asked ? (
        <Ask act={act} close={() => setAsked(undefined)} confirm={TEXT.bulk[asked]} danger={asked === "stop"} title={TEXT.bulkTitle(TEXT.bulk[asked], chosen.length)}>
          <Text fontSize="sm">{TEXT.bulkMore[asked]}</Text>
        </Ask>
      ) : null}
    </Flex>
  );
}
