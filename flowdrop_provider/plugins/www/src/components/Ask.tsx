import { Box, Button, CloseButton, Code, Dialog, Portal, Text } from "@chakra-ui/react";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ApiError } from "../api";
import { TEXT } from "../text";

interface AskProps {
  title: string;
  children?: ReactNode;
  confirm: string;
  danger?: boolean;
  close: () => void;
  act: () => Promise<unknown>;
}

/** Why an action was refused, with the API's code for whoever has to look it up. */
export function Refused({ error }: { error: Error }) {
  return (
    <Box className="fd-error-box" mt={3} p={3} role="alert">
      <Text fontSize="sm" fontWeight="semibold">{error instanceof ApiError && error.status === 0 ? TEXT.unreachable : error.message}</Text>
      {error instanceof ApiError && error.code ? <Code mt={1} size="sm">{error.code}</Code> : null}
    </Box>
  );
}

/** A question before something is done; stays open and says why when it was refused. */
export function Ask({ title, children, confirm, danger = false, close, act }: AskProps) {
  const doing = useMutation({ mutationFn: act, onSuccess: close });
  return (
    <Dialog.Root lazyMount onOpenChange={({ open }) => open || close()} open>
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content>
            <Dialog.Header><Dialog.Title>{title}</Dialog.Title></Dialog.Header>
            <Dialog.Body>
              {children}
              {doing.error ? <Refused error={doing.error} /> : null}
            </Dialog.Body>
            <Dialog.Footer>
              <Button onClick={close} size="sm" variant="outline">{TEXT.cancel}</Button>
              <Button colorPalette={danger ? "red" : "blue"} loading={doing.isPending} onClick={() => doing.mutate()} size="sm">{confirm}</Button>
            </Dialog.Footer>
            <Dialog.CloseTrigger asChild><CloseButton aria-label={TEXT.close} size="sm" /></Dialog.CloseTrigger>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
}
