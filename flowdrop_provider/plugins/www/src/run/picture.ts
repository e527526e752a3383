import type { Edge } from "@xyflow/react";

import { portTop, type Card } from "../graph";
import { duration } from "../format";
import { LOOKS, originOf } from "../status";
import { widthOf, wirePath } from "./wires";

/** Fixed colours: a picture leaves Airflow's page and its theme. */
const COLOURS: Record<string, string> = {
  gray: "#71717a", blue: "#2563eb", green: "#15803d", orange: "#c2410c", red: "#dc2626", purple: "#7c3aed",
};
const FONT = "font-family='system-ui, sans-serif'";
const MARGIN = 40;
const LETTER = 7;

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const cut = (text: string, room: number): string => {
  const most = Math.floor(room / LETTER);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};

const heightOf = (card: Card): number => card.height ?? 80;

function note(card: Card): string {
  const { x, y } = card.position;
  const lines = (card.data.drawn.content ?? "").replace(/[#*]/gu, "").split("\n").filter(Boolean);
  const text = lines.map((line, row) => `<text x="${x + 12}" y="${y + 24 + row * 18}" font-size="12">${escape(cut(line, widthOf(card) - 24))}</text>`);
  return `<rect x="${x}" y="${y}" width="${widthOf(card)}" height="${heightOf(card)}" rx="6" fill="#fef9c3" stroke="#eab308"/>${text.join("")}`;
}

function box(card: Card): string {
  const { x, y } = card.position;
  const { drawn, status, time, inputs, outputs, injected } = card.data;
  const [width, height] = [widthOf(card), heightOf(card)];
  const look = LOOKS[status];
  const colour = COLOURS[look.palette] ?? "#71717a";
  const quiet = status === "skipped" || status === "idle";
  const ports = [
    ...inputs.map((port, row) => `<text x="${x + 12}" y="${y + portTop(row) + 4}" font-size="11" fill="#52525b">${escape(cut(port, width / 2.2))}</text>`),
    ...outputs.map((port, row) => `<text x="${x + width - 12}" y="${y + portTop(row) + 4}" font-size="11" fill="#52525b" text-anchor="end">${escape(cut(port, width / 2.2))}</text>`),
  ];
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8" fill="#fff" stroke="${quiet ? "#a1a1aa" : colour}"${quiet ? ' stroke-dasharray="4 3"' : ""}/>`,
    `<rect x="${x}" y="${y}" width="5" height="${height}" rx="2" fill="${colour}"/>`,
    `<text x="${x + 14}" y="${y + 20}" font-size="13" font-weight="600" fill="#18181b">${escape(cut(drawn.label, width - 24))}</text>`,
    `<text x="${x + 14}" y="${y + 36}" font-size="11" fill="#71717a">${escape(drawn.type.replaceAll("_", " "))}</text>`,
    ...ports,
    `<text x="${x + 14}" y="${y + height - 10}" font-size="11.5" font-weight="600" fill="${colour}">${escape([look.label, ...(injected ? [originOf(injected).word] : [])].join(" · "))}</text>`,
    quiet || injected ? "" : `<text x="${x + width - 10}" y="${y + height - 10}" font-size="11.5" fill="#52525b" text-anchor="end">${escape(duration(time))}</text>`,
  ].join("");
}

function wire(edge: Edge, cards: Map<string, Card>): string {
  const path = wirePath(edge, cards);
  if (!path) return "";
  const taken = edge.className?.includes("fd-followed") ?? false;
  const colour = taken ? (edge.className?.includes("fd-error") ? COLOURS.red : COLOURS.green) : "#a1a1aa";
  return `<path d="${path}" fill="none" stroke="${colour ?? ""}" stroke-width="${taken ? 2.4 : 1.4}"${taken ? "" : ' stroke-dasharray="5 5"'}/>`;
}

/** The drawing as a picture that stands for itself: an SVG document in light colours. */
export function svgOf(cards: Card[], lines: Edge[], title: string): string {
  const byId = new Map(cards.map((card) => [card.id, card]));
  const left = Math.min(...cards.map((card) => card.position.x)) - MARGIN;
  const top = Math.min(...cards.map((card) => card.position.y)) - 2 * MARGIN;
  const width = Math.max(...cards.map((card) => card.position.x + widthOf(card))) + MARGIN - left;
  const height = Math.max(...cards.map((card) => card.position.y + heightOf(card))) + 2 * MARGIN + 30 - top;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${left} ${top} ${width} ${height}" ${FONT}>`,
    `<title>${escape(title)}</title><rect x="${left}" y="${top}" width="${width}" height="${height}" fill="#fafafa"/>`,
    `<text x="${left + MARGIN}" y="${top + 34}" font-size="16" font-weight="600" fill="#18181b">${escape(title)}</text>`,
    ...lines.map((edge) => wire(edge, byId)),
    ...cards.map((card) => (card.type === "note" ? note(card) : box(card))),
    "</svg>",
  ].join("\n");
}

const LARGEST = 8_000;

/** The same as PNG, twice as fine where browsers can paint that much. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = Math.min(2, LARGEST / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser."))), "image/png");
  });
}
