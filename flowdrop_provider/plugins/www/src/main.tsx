import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ApiError } from "./api";
import { RunView } from "./run/RunView";
import { Card } from "./runs/Card";
import { RunsView } from "./runs/RunsView";
import css from "./styles.css?inline";
import { TaskView } from "./task/TaskView";
import canvasCss from "@xyflow/react/dist/base.css?inline";

/** What Airflow gives a plugin's component; which of them there are tells the place it is shown in. */
interface Place {
  dagId?: string;
  runId?: string;
  taskId?: string;
  mapIndex?: string;
}

const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

function View({ dagId, runId, taskId, mapIndex }: Place) {
  if (dagId && runId && taskId) return <TaskView dagId={dagId} runId={runId} taskId={taskId} mapIndex={mapIndex} />;
  if (dagId && runId) return <RunView key={`${dagId} ${runId}`} dagId={dagId} runId={runId} />;
  return <RunsView dagId={dagId} />;
}

function Frame({ children }: { children: ReactNode }) {
  return (
    <QueryClientProvider client={client}>
      <style>{canvasCss + css}</style>
      {children}
    </QueryClientProvider>
  );
}

/** The component that Airflow mounts; it looks for it under the registered name. */
export default function FlowDrop(place: Place) {
  return <Frame><View {...place} /></Frame>;
}

/** The one for Airflow's first page; a bundle exports one name only, so this one is put where Airflow looks. */
function FlowDropCard() {
  return <Frame><Card /></Frame>;
}

Object.assign(globalThis, { FlowDropCard });
