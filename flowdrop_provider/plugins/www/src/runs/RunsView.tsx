import { Box, Flex, Heading, Tabs } from "@chakra-ui/react";

import { AuditView } from "../audit/AuditView";
import { Icon } from "../components/Icon";
import { MetricsView } from "../metrics/MetricsView";
import { setPlace, usePlace } from "../place";
import { useAdministrator } from "../rights";
import { SystemView } from "../system/SystemView";
import { TEXT } from "../text";
import { RunList } from "./RunList";

const VIEWS = ["runs", "metrics", "audit", "system"] as const;
const ICONS = { runs: "table", metrics: "chart", audit: "audit", system: "pulse" } as const;

/** FlowDrop's runs, their figures and their history; those of one DAG on its own page. The deployment is its administrators' business. */
export function RunsView({ dagId }: { dagId: string | undefined }) {
  const asked = usePlace().get("view");
  const administrator = useAdministrator();
  const views = VIEWS.filter((name) => name !== "system" || (administrator && !dagId));
  const view = views.find((known) => known === asked) ?? "runs";
  return (
    <Box className="fd-home" p={dagId ? 2 : 4}>
      <Tabs.Root lazyMount onValueChange={({ value }) => setPlace({ view: value === "runs" ? undefined : value })} size="sm" unmountOnExit value={view} variant="line">
        <Flex align="center" gap={6} wrap="wrap">
          {dagId ? null : <Heading size="lg">{TEXT.home}</Heading>}
          <Tabs.List border="none">
            {views.map((name) => <Tabs.Trigger key={name} value={name}><Icon name={ICONS[name]} />{TEXT.views[name]}</Tabs.Trigger>)}
          </Tabs.List>
        </Flex>
        <Tabs.Content value="runs"><RunList dagId={dagId} /></Tabs.Content>
        <Tabs.Content value="metrics"><MetricsView dagId={dagId} /></Tabs.Content>
        <Tabs.Content value="audit"><AuditView dagId={dagId} /></Tabs.Content>
        <Tabs.Content value="system"><SystemView /></Tabs.Content>
      </Tabs.Root>
    </Box>
  );
}
