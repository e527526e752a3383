import { Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { ApiError, readWorkflow } from "../api";
import { JsonTree } from "../components/JsonTree";
import { Failure, Loading } from "../components/Messages";
import { TEXT } from "../text";

const NO_MARKS = { truncated: {}, redacted: [] };

/** How a node is configured in the workflow's document; says so when that is newer than the run. */
export function Config({ workflowId, nodeId, revision }: { workflowId: string; nodeId: string; revision: string }) {
  const query = useQuery({ queryKey: ["workflow", workflowId], queryFn: ({ signal }) => readWorkflow(workflowId, signal) });
  if (query.isPending) return <Loading rows={2} />;
  if (query.error instanceof ApiError && query.error.status === 403) return <Text color="fg.muted">{TEXT.configForbidden}</Text>;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  const { metadata, nodes = [] } = query.data;
  if (metadata?.partial) return <Text color="fg.muted">{TEXT.configPartial}</Text>;
  const config = nodes.find((node) => node.id === nodeId)?.data?.config ?? {};
  return (
    <>
      {metadata?.airflow?.revision !== revision ? <Text color="orange.fg" fontSize="sm" mb={2}>{TEXT.configNewer}</Text> : null}
      {Object.keys(config).length === 0
        ? <Text color="fg.muted">{TEXT.noConfig}</Text>
        : <JsonTree marks={NO_MARKS} name={nodeId} root="config" value={config} />}
    </>
  );
}
