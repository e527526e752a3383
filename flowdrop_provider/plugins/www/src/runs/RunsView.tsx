import { Box, Button, Flex, Heading } from "@chakra-ui/react";
import { useSearchParams } from "react-router-dom";

import { Failure, Loading, Notice } from "../components/Messages";
import { TEXT } from "../text";
import { FilterBar } from "./FilterBar";
import { filtersOf, isNarrowed, type Filters } from "./filters";
import { RunTable } from "./RunTable";
import { useRuns } from "./useRuns";

function List({ filters, clear }: { filters: Filters; clear: () => void }) {
  const { query, rows } = useRuns(filters);
  if (query.isPending) return <Loading rows={8} />;
  if (query.error && rows.length === 0) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (rows.length === 0 && isNarrowed(filters)) {
    return <Notice action={<Button onClick={clear} size="sm" variant="outline">{TEXT.clear}</Button>} title={TEXT.noMatch} />;
  }
  if (rows.length === 0) return <Notice icon="run" title={TEXT.noRuns}>{TEXT.noRunsMore}</Notice>;
  return (
    <>
      <RunTable now={query.dataUpdatedAt} rows={rows} />
      {query.hasNextPage ? (
        <Flex justify="center">
          <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()} size="sm" variant="outline">{TEXT.older}</Button>
        </Flex>
      ) : null}
    </>
  );
}

/** FlowDrop's runs with filters in the address; those of one DAG on its own page. */
export function RunsView({ dagId }: { dagId: string | undefined }) {
  const [search, setSearch] = useSearchParams();
  const asked = filtersOf(search);
  const filters = dagId ? { ...asked, workflow: dagId } : asked;
  const set = (name: keyof Filters, value: string) => setSearch((known) => {
    if (value) known.set(name, value);
    else known.delete(name);
    return known;
  });
  const clear = () => setSearch({});
  return (
    <Box p={dagId ? 2 : 4}>
      <Flex direction="column" gap={3}>
        {dagId ? null : <Heading size="lg">{TEXT.runsOf}</Heading>}
        <FilterBar clear={clear} filters={filters} fixed={dagId !== undefined} set={set} />
        <List clear={clear} filters={filters} />
      </Flex>
    </Box>
  );
}
