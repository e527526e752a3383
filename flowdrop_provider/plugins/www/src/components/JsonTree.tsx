import { Box, Text } from "@chakra-ui/react";
import { useState } from "react";

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
}

const PAGE = 100;
const OPEN_DEPTH = 2;

const isTree = (value: Json): value is Json[] | Record<string, Json> => typeof value === "object" && value !== null;

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

function Children({ value, path, depth, marks }: Omit<BranchProps, "name"> & { value: Json[] | Record<string, Json> }) {
  const [shown, setShown] = useState(PAGE);
  const entries = Object.entries(value);
  return (
    <ul className="fd-json-list">
      {entries.slice(0, shown).map(([name, child]) => (
        <Branch depth={depth + 1} key={name} marks={marks} name={name} path={`${path}.${name}`} value={child} />
      ))}
      {entries.length > shown ? (
        <li><button className="fd-more" onClick={() => setShown(shown + PAGE)} type="button">
          {TEXT.more(Math.min(PAGE, entries.length - shown))}
        </button></li>
      ) : null}
    </ul>
  );
}

function Branch({ name, path, value, depth, marks }: BranchProps) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
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
      {open && count > 0 ? <Children depth={depth} marks={marks} path={path} value={value} /> : null}
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

/** A recorded value as a tree; a click on a name copies its path.
 *
 * `root` is the name that the paths of the marks begin with (`input_data`, `output_data`). */
export function JsonTree({ value, root, marks }: { value: Record<string, Json>; root: string; marks: Marks }) {
  return (
    <Box fontFamily="mono" fontSize="xs">
      <Summary marks={marks} root={root} />
      <ul className="fd-json-list fd-json-root">
        {Object.entries(value).map(([name, child]) => (
          <Branch depth={0} key={name} marks={marks} name={name} path={`${root}.${name}`} value={child} />
        ))}
      </ul>
    </Box>
  );
}
