import { Box, Button, Checkbox, Field, Flex, Input, Text, Textarea } from "@chakra-ui/react";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { answerInterrupt, readInterrupts } from "../api";
import { Refused } from "../components/Ask";
import { Choice } from "../components/Choice";
import { Icon } from "../components/Icon";
import { moment } from "../format";
import { useRights } from "../rights";
import { TEXT } from "../text";
import type { Interrupt, Json, Run, Schema } from "../types";
import { fieldKind, firstTyped, optionText, read, type Typed } from "./form";

/** The field of a question for one text, as the API names it. */
const ONE = "answer";

function FieldInput({ name, schema, value, change }: { name: string; schema: Schema; value: string | boolean; change: (value: string | boolean) => void }) {
  const label = schema.title ?? name;
  const text = typeof value === "string" ? value : "";
  switch (fieldKind(schema)) {
    case "checkbox":
      return (
        <Checkbox.Root checked={value === true} onCheckedChange={({ checked }) => change(checked === true)} size="sm">
          <Checkbox.HiddenInput /><Checkbox.Control /><Checkbox.Label>{label}</Checkbox.Label>
        </Checkbox.Root>
      );
    case "select":
      return <Choice change={change} label={label} options={[["", "…"], ...(schema.enum ?? []).map((item): [string, string] => [optionText(item), optionText(item)])]} value={text} />;
    case "text":
    case "number":
      return <Input inputMode={fieldKind(schema) === "number" ? "decimal" : "text"} onChange={(event) => change(event.target.value)} size="sm" value={text} />;
    default:
      return <Textarea fontFamily={fieldKind(schema) === "json" ? "mono" : undefined} onChange={(event) => change(event.target.value)} rows={4} size="sm" value={text} />;
  }
}

function Form({ schema, given, send, busy }: { schema: Schema; given: Record<string, Json>; send: (values: Record<string, Json>) => void; busy: boolean }) {
  const fields = Object.entries(schema.properties ?? {});
  const [typed, setTyped] = useState<Typed>(() => Object.fromEntries(fields.map(([name, field]) => [name, firstTyped(field, given[name])])));
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const enter = (name: string, value: string | boolean) => {
    setTyped({ ...typed, [name]: value });
    setWrong(Object.fromEntries(Object.entries(wrong).filter(([other]) => other !== name)));
  };
  const submit = () => {
    const found = read(schema, typed);
    setWrong(found.wrong);
    if (Object.keys(found.wrong).length === 0) send(found.values);
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); submit(); }}>
      {fields.map(([name, field]) => (
        <Field.Root invalid={wrong[name] !== undefined} key={name} mb={3} required={schema.required?.includes(name) ?? false}>
          {fieldKind(field) === "checkbox" ? null : <Field.Label>{field.title ?? (name === ONE ? TEXT.answer : name)}<Field.RequiredIndicator /></Field.Label>}
          <FieldInput change={(value) => enter(name, value)} name={name} schema={field} value={typed[name] ?? ""} />
          {field.description ? <Field.HelperText>{field.description}</Field.HelperText> : null}
          <Field.ErrorText>{wrong[name]}</Field.ErrorText>
        </Field.Root>
      ))}
      <Button colorPalette="blue" loading={busy} loadingText={TEXT.sending} size="sm" type="submit">{TEXT.sendAnswer}</Button>
    </form>
  );
}

function Options({ question, send, busy }: { question: Interrupt; send: (value: Json) => void; busy: boolean }) {
  const yesNo = question.type === "confirmation";
  const labels = [question.config.confirm_label, question.config.cancel_label];
  return (
    <Flex gap={2} wrap="wrap">
      {(question.options ?? []).map((option, index) => (
        <Button colorPalette="blue" disabled={busy} key={option.value} onClick={() => send(yesNo ? index === 0 : option.value)} size="sm"
          variant={index === 0 ? "solid" : "outline"}>
          {(yesNo ? labels[index] : undefined) ?? option.label}
        </Button>
      ))}
      {busy ? <Text color="fg.muted" fontSize="sm">{TEXT.sending}</Text> : null}
    </Flex>
  );
}

const isObject = (value: Json): value is Record<string, Json> => typeof value === "object" && value !== null && !Array.isArray(value);

function Question({ question, run }: { question: Interrupt; run: Run }) {
  const client = useQueryClient();
  const allowed = useRights([run.dag_id]).of(run.dag_id).answer;
  const sending = useMutation({ mutationFn: (value: Json) => answerInterrupt(question.id, value), onSuccess: () => client.invalidateQueries() });
  const send = (value: Json) => sending.mutate(value);
  const text = question.type === "text";
  const schema = text ? { properties: { [ONE]: { ...question.schema, type: "string" } }, required: [ONE] } : question.schema;
  const given = isObject(question.defaultValue) ? question.defaultValue : {};
  return (
    <Box aria-label={TEXT.question} as="section" className="fd-question">
      <Flex align="center" gap={2} mb={2}><Icon name="hand" /><Text fontSize="sm" fontWeight="semibold">{TEXT.question}</Text></Flex>
      <Text mb={3} whiteSpace="pre-wrap">{question.message}</Text>
      {!allowed ? <Text color="fg.muted" fontSize="sm">{TEXT.mayNotAnswer}</Text> : schema?.properties
        ? <Form busy={sending.isPending} given={given} schema={schema} send={(values) => send(text ? values[ONE] ?? "" : values)} />
        : <Options busy={sending.isPending} question={question} send={send} />}
      {sending.error ? <Refused error={sending.error} /> : null}
      {question.expiresAt ? <Text color="fg.muted" fontSize="xs" mt={2}>{TEXT.until(moment(question.expiresAt))}</Text> : null}
    </Box>
  );
}

/** The open question of a node that waits for a person, with a form for the answer. */
export function Answer({ run, nodeId }: { run: Run; nodeId: string }) {
  // Kept while it is asked again: what somebody is typing must survive news from another node.
  const query = useQuery({
    queryKey: ["interrupts", run.id, run.changed], queryFn: ({ signal }) => readInterrupts(run.id, signal), placeholderData: keepPreviousData,
  });
  // A task that runs several nodes waits as a whole: its question names the first of them.
  const own = query.data?.find((question) => question.nodeId === nodeId) ?? query.data?.[0];
  return own ? <Question key={own.id + (own.createdAt ?? "")} question={own} run={run} /> : null;
}
