import { Box, Button, Flex, Input, Text } from "@chakra-ui/react";
import { useState } from "react";

import { download, fileName } from "../download";
import { bytes } from "../format";
import { TEXT } from "../text";
import type { Json } from "../types";
import { Icon } from "./Icon";

/** Marks of the record: dotted paths whose value was cut (with original bytes) or hidden. */
export interface Marks {
  truncated: Record<string, number>;
  redacted: string[];
}

interface BranchProps {
  name: string;
  path: string;
  value: Json;
  depth: number;
  marks: Marks;
  /** What is searched for, in lower case; branches that hold it are open, others are left out. */
  part: string;
}

const PAGE = 100;
const OPEN_DEPTH = 2;
const WORTH_A_SEARCH = 6;

const isTree = (value: Json): value is Json[] | Record<string, Json> => typeof value === "object" && value !== null;

const isText = (value: Json, part: string): boolean => (typeof value === "string" ? value : JSON.stringify(value)).toLowerCase().includes(part);

/** Whether a name or something inside its value is what is searched for. */
export function holds(name: string, value: Json, part: string): boolean {
  if (part === "" || name.toLowerCase().includes(part)) return true;
  return isTree(value) ? Object.entries(value).some(([key, child]) => holds(key, child, part)) : isText(value, part);
}

/** How many names a value has, all depths; counting ends soon. */
const size = (value: Json): number => (isTree(value) ? Object.values(value).reduce<number>((sum, child) => (sum > 100 ? sum : sum + 1 + size(child)), 0) : 0);

function CopyPath({ path, name }: { path: string; name: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(path).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1200);
    });
  };
  return (
    <button className="fd-key" onClick={copy} title={`${TEXT.copyPath}: ${path}`} type="button">
      {name}
      <span className="fd-copy">{copied ? TEXT.copied : <Icon name="copy" size={11} />}</span>
    </button>
  );
}

function MarkOf({ path, marks }: { path: string; marks: Marks }) {
  const size = marks.truncated[path];
  if (size !== undefined) return <span className="fd-mark"><Icon name="cut" size={11} />{TEXT.cutFrom(bytes(size))}</span>;
  if (marks.redacted.includes(path)) return <span className="fd-mark"><Icon name="lock" size={11} />{TEXT.hidden}</span>;
  return null;
}

function Leaf({ value }: { value: Exclude<Json, Json[] | Record<string, Json>> }) {
  const kind = value === null ? "null" : typeof value;
  return <span className={`fd-json-${kind}`}>{typeof value === "string" ? `"${value}"` : String(value)}</span>;
}

function Children({ value, path, depth, marks, part }: Omit<BranchProps, "name"> & { value: Json[] | Record<string, Json> }) {
  const [shown, setShown] = useState(PAGE);
  const entries = Object.entries(value).filter(([name, child]) => holds(name, child, part));
  return (
    <ul className="fd-json-list">
      {entries.slice(0, shown).map(([name, child]) => (
        <Branch depth={depth + 1} key={name} marks={marks} name={name} part={name.toLowerCase().includes(part) ? "" : part} path={`${path}.${name}`} value={child} />
      ))}
      {entries.length > shown ? (
        <li><button className="fd-more" onClick={() => setShown(shown + PAGE)} type="button">
          {TEXT.more(Math.min(PAGE, entries.length - shown))}
        </button></li>
      ) : null}
    </ul>
  );
}

function Branch({ name, path, value, depth, marks, part }: BranchProps) {
  const [chosen, setOpen] = useState(depth < OPEN_DEPTH);
  const open = chosen || part !== "";
  if (!isTree(value)) {
    return <li className="fd-json-row"><CopyPath name={name} path={path} />: <Leaf value={value} /><MarkOf marks={marks} path={path} /></li>;
  }
  const count = Object.keys(value).length;
  return (
    <li className="fd-json-row">
      <button aria-expanded={open} aria-label={name} className="fd-toggle" onClick={() => setOpen(!open)} type="button">{open ? "▾" : "▸"}</button>
      <CopyPath name={name} path={path} />
      <span className="fd-count">{Array.isArray(value) ? `[${count}]` : `{${count}}`}</span>
      <MarkOf marks={marks} path={path} />
      {open && count > 0 ? <Children depth={depth} marks={marks} part={part} path={path} value={value} /> : null}
    </li>
  );
}

function Summary({ marks, root }: { marks: Marks; root: string }) {
  const cut = Object.keys(marks.truncated).filter((path) => path.startsWith(root)).length;
  const hidden = marks.redacted.filter((path) => path.startsWith(root)).length;
  if (cut + hidden === 0) return null;
  const said = [...(cut ? [TEXT.truncated(cut)] : []), ...(hidden ? [TEXT.redacted(hidden)] : [])];
  return <Text bg="orange.subtle" borderRadius="sm" color="orange.fg" fontSize="xs" mb={2} px={2} py={1}>{said.join(" · ")}</Text>;
}

function Tools({ value, root, part, setPart, name }: { value: Json; root: string; part: string; setPart: (part: string) => void; name: string }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <Flex fontFamily="body" gap={1} mb={2}>
      {size(value) >= WORTH_A_SEARCH
        ? <Input aria-label={TEXT.searchValues} onChange={(event) => setPart(event.target.value)} placeholder={TEXT.searchValues} size="xs" type="search" value={part} />
        : null}
      <Button flex="none" ml="auto" onClick={() => void navigator.clipboard.writeText(text)} size="xs" variant="ghost"><Icon name="copy" />{TEXT.copy}</Button>
      <Button flex="none" onClick={() => download(`${fileName(name, root)}.json`, text, "application/json")} size="xs" variant="ghost"><Icon name="export" />{TEXT.save}</Button>
    </Flex>
  );
}

interface JsonTreeProps {
  value: Record<string, Json>;
  /** The name that the paths of the marks begin with (`input_data`, `output_data`). */
  root: string;
  marks: Marks;
  /** With a name there are a search, copying and a download under that name. */
  name?: string;
}

/** A recorded value as a tree; a click on a name copies its path. */
export function JsonTree({ value, root, marks, name }: JsonTreeProps) {
  const [typed, setTyped] = useState("");
  const part = typed.trim().toLowerCase();
  const entries = Object.entries(value).filter(([key, child]) => holds(key, child, part));
  return (
    <Box fontFamily="mono" fontSize="xs">
      {name === undefined ? null : <Tools name={name} part={typed} root={root} setPart={setTyped} value={value} />}
      <Summary marks={marks} root={root} />
      {entries.length === 0 ? <Text color="fg.muted" fontFamily="body">{TEXT.notFound}</Text> : null}
      <ul className="fd-json-list fd-json-root">
        {entries.map(([key, child]) => (
          <Branch depth={0} key={key} marks={marks} name={key} part={key.toLowerCase().includes(part) ? "" : part} path={`${root}.${key}`} value={child} />
        ))}
      </ul>
    </Box>
  );
}
