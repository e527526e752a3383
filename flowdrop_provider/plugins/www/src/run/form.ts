import { TEXT } from "../text";
import type { Json, Schema } from "../types";

/** What somebody put into a form's fields, before it becomes values. */
export type Typed = Record<string, string | boolean>;

const kindOf = (schema: Schema): string => (Array.isArray(schema.type) ? schema.type.find((kind) => kind !== "null") : schema.type) ?? "string";

/** How a field is entered: `text`, `long`, `number`, `checkbox`, `select`, or `json` for what has no field of its own. */
export function fieldKind(schema: Schema): "text" | "long" | "number" | "checkbox" | "select" | "json" {
  if (schema.enum) return "select";
  const kind = kindOf(schema);
  if (kind === "boolean") return "checkbox";
  if (kind === "number" || kind === "integer") return "number";
  if (kind === "object" || kind === "array") return "json";
  return schema.format === "multiline" || (schema.maxLength ?? 0) > 200 ? "long" : "text";
}

/** How one of the allowed values is called. */
export const optionText = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

/** A field's first content: the default that came with the question, or nothing. */
export function firstTyped(schema: Schema, given: Json | undefined): string | boolean {
  const value = given ?? schema.default;
  if (fieldKind(schema) === "checkbox") return value === true;
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function numberOf(text: string, schema: Schema): number {
  const value = Number(text.replace(",", "."));
  if (text.trim() === "" || Number.isNaN(value) || (kindOf(schema) === "integer" && !Number.isInteger(value))) throw new Error(TEXT.notNumber);
  if (schema.minimum !== undefined && value < schema.minimum) throw new Error(TEXT.atLeast(schema.minimum));
  if (schema.maximum !== undefined && value > schema.maximum) throw new Error(TEXT.atMost(schema.maximum));
  return value;
}

function textOf(text: string, schema: Schema): string {
  if (schema.minLength !== undefined && text.length < schema.minLength) throw new Error(TEXT.tooShort(schema.minLength));
  if (schema.maxLength !== undefined && text.length > schema.maxLength) throw new Error(TEXT.tooLong(schema.maxLength));
  return text;
}

/** The value of one field. Throws with a sentence for people when the schema does not allow it. */
export function valueOf(typed: string | boolean, schema: Schema): Json {
  if (typeof typed === "boolean") return typed;
  switch (fieldKind(schema)) {
    case "number":
      return numberOf(typed, schema);
    case "json":
      try {
        return JSON.parse(typed) as Json;
      } catch {
        throw new Error(TEXT.notJson);
      }
    case "select":
      return schema.enum?.find((option) => optionText(option) === typed) ?? typed;
    default:
      return textOf(typed, schema);
  }
}

/** What the fields of a form say, and what is wrong with which. Fields that may stay empty are left out when they are. */
export function read(schema: Schema, typed: Typed): { values: Record<string, Json>; wrong: Record<string, string> } {
  const values: Record<string, Json> = {};
  const wrong: Record<string, string> = {};
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const entered = typed[name] ?? "";
    if (entered === "" && !schema.required?.includes(name)) continue;
    try {
      if (entered === "") throw new Error(TEXT.needed);
      values[name] = valueOf(entered, field);
    } catch (error) {
      wrong[name] = error instanceof Error ? error.message : String(error);
    }
  }
  return { values, wrong };
}

/** A JSON object as somebody typed it. Throws with a sentence for people when it is none; `not` is what to say of other JSON. */
export function parsed(text: string, not: string): Record<string, Json> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(TEXT.notJson);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(not);
  return value as Record<string, Json>;
}
