import type { NodeProps } from "@xyflow/react";
import { memo } from "react";

import { Icon } from "../components/Icon";
import { duration } from "../format";
import { portTop, type Card } from "../graph";
import { LOOKS, originOf } from "../status";
import { TEXT } from "../text";
import type { Injected } from "../types";

const GATEWAYS = /gateway|^if_else$|^switch/u;

/** Dots that the library measures as its handles; its own would each look at the whole drawing again with every movement. */
function Ports({ names, side }: { names: string[]; side: "in" | "out" }) {
  return names.map((name, index) => (
    <div className={`fd-port fd-port-${side}`} key={name} style={{ top: portTop(index) }}>
      <i className={`fd-dot ${side === "in" ? "target" : "source"}`} data-handleid={name} data-handlepos={side === "in" ? "left" : "right"} />
      <span>{name}</span>
    </div>
  ));
}

function Badges({ rounds, attempt }: { rounds: number; attempt: number }) {
  return (
    <>
      {rounds > 1 ? <span className="fd-chip" title={TEXT.rounds(rounds)}>↻ {rounds}</span> : null}
      {attempt > 1 ? <span className="fd-chip" title={TEXT.attempt(attempt)}>#{attempt}</span> : null}
    </>
  );
}

function Origin({ injected }: { injected: Injected }) {
  const { icon, word, sentence } = originOf(injected);
  return <span className="fd-chip fd-origin" title={sentence}><Icon name={icon} size={10} />{word}</span>;
}

/** A node of the drawing with what it did: bar, icon and word of its state, time, rounds and attempts. */
export const FlowNode = memo(function FlowNode({ data, selected }: NodeProps<Card>) {
  const { drawn, status, time, inputs, outputs } = data;
  const look = LOOKS[status];
  const { beside } = data;
  const shape = [GATEWAYS.test(drawn.type) ? " fd-gateway" : "", data.critical ? " fd-critical" : "", beside?.differs ? " fd-differs" : "", data.injected ? " fd-injected" : ""].join("");
  return (
    <div className={`fd-card fd-${look.palette} fd-is-${status}${selected ? " fd-selected" : ""}${shape}`} data-status={status}>
      {beside?.words ? <span className="fd-beside">{beside.words}</span> : null}
      <div className="fd-head">
        <span className="fd-state"><Icon name={look.icon} size={15} /></span>
        <div className="fd-titles">
          <div className="fd-title" title={drawn.label}>{drawn.label}</div>
          <div className="fd-type">{drawn.type.replaceAll("_", " ")}</div>
        </div>
      </div>
      <Ports names={inputs} side="in" />
      <Ports names={outputs} side="out" />
      <div className="fd-foot">
        <span>{look.label}</span>
        <span className="fd-right">
          {data.injected ? <Origin injected={data.injected} /> : null}
          <Badges attempt={data.attempt} rounds={data.rounds} />
          {data.rounds > 0 && !data.injected ? duration(time) : ""}
        </span>
      </div>
    </div>
  );
});

/** A note without the marks of its markup. */
const plain = (text: string): string => text.replace(/^#+\s*/gmu, "").replaceAll("**", "");

/** What the author wrote beside the nodes. */
export const NoteNode = memo(function NoteNode({ data }: NodeProps<Card>) {
  return <div className="fd-note">{plain(data.drawn.content ?? "")}</div>;
});
