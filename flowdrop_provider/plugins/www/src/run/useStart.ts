import { useNavigate } from "react-router-dom";

import { rerun } from "../api";
import { runPath } from "../paths";
import type { Rerun, Run } from "../types";

/** Starts a new run from an ended one and goes there. */
export function useStart(run: Run): (body: Rerun) => Promise<void> {
  const navigate = useNavigate();
  return async (body) => {
    const started = await rerun(run.id, body);
    await navigate(runPath(started.dag_id, started.run_id));
  };
}
