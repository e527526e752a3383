import { NativeSelect } from "@chakra-ui/react";

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  change: (value: string) => void;
  size?: "xs" | "sm";
}

/** One of a few, with a label for screen readers. */
export function Choice({ label, value, options, change, size = "sm" }: ChoiceProps) {
  return (
    <NativeSelect.Root size={size} width="auto">
      <NativeSelect.Field aria-label={label} onChange={(event) => change(event.target.value)} value={value}>
        {options.map(([key, name]) => <option key={key} value={key}>{name}</option>)}
      </NativeSelect.Field>
      <NativeSelect.Indicator />
    </NativeSelect.Root>
  );
}
