import { Button, Flex } from "@chakra-ui/react";
import { useCallback, useState } from "react";

import { Failure, Loading, Notice } from "../components/Messages";
import { setPlace, usePlace } from "../place";
import { TEXT } from "../text";
import { BulkBar } from "./BulkBar";
import { FilterBar } from "./FilterBar";
import { filtersOf, isNarrowed, type Filters } from "./filters";
import { RunTable } from "./RunTable";
import { useRuns } from "./useRuns";

function List({ filters, clear }: { filters: Filters; clear: () => void }) {
  const { query, rows } = useRuns(filters);
  const [picked, pick] = useState(new Set<string>());
  if (query.isPending) return <Loading rows={8} />;
  if (query.error && rows.length === 0) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (rows.length === 0 && isNarrowed(filters)) {
    return <Notice action={<Button onClick={clear} size="sm" variant="outline">{TEXT.clear}</Button>} icon="search" title={TEXT.noMatch} />;
  }
  if (rows.length === 0) return <Notice icon="run" title={TEXT.noRuns}>{TEXT.noRunsMore}</Notice>;
  const chosen = rows.filter((row) => picked.has(row.id));
  return (
    <>
      {chosen.length > 0 ? <BulkBar clear={() => pick(new Set())} rows={chosen} /> : null}
      <RunTable now={query.dataUpdatedAt} pick={pick} picked={picked} rows={rows} />
      {query.hasNextPage ? (
        <Flex justify="center">
          <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()} size="sm" variant="outline">{TEXT.olderRuns}</Button>
        </Flex>
      ) : null}
    </>
  );
}

const NOTHING = { workflow: undefined, status: undefined, time: undefined, trigger: undefined, user: undefined, error: undefined, node_id: undefined };

/** Runs with filters in the address; those of one DAG on its own page. */
export function RunList({ dagId }: { dagId: string | undefined }) {
  const asked = filtersOf(usePlace());
  const filters = dagId ? { ...asked, workflow: dagId } : asked;
  const set = useCallback((name: keyof Filters, value: string) => setPlace({ [name]: value || undefined }), []);
  const clear = () => setPlace(NOTHING);
  return (
    <Flex direction="column" gap={3}>
      <FilterBar clear={clear} filters={filters} fixed={dagId !== undefined} set={set} />
      <List clear={clear} filters={filters} key={JSON.stringify(filters)} />
    </Flex>
  );
}
