import { Box, Button, Flex, Heading, Skeleton, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";

import { ApiError } from "../api";
import type { IconName } from "../status";
import { TEXT } from "../text";
import { Icon } from "./Icon";

interface NoticeProps {
  title: string;
  children?: ReactNode;
  icon?: IconName;
  action?: ReactNode;
  role?: "alert" | "status";
}

/** One calm message in place of a view: nothing there, not ours, not allowed. */
export function Notice({ title, children, icon = "dot", action, role = "status" }: NoticeProps) {
  return (
    <Flex align="center" direction="column" gap={3} px={6} py={14} role={role} textAlign="center">
      <Flex align="center" bg="bg.muted" borderRadius="full" boxSize={12} color="fg.muted" justify="center">
        <Icon name={icon} size={22} />
      </Flex>
      <Heading size="md">{title}</Heading>
      {children ? <Text color="fg.muted" maxW="34rem">{children}</Text> : null}
      {action}
    </Flex>
  );
}

function sentence(error: Error): string {
  if (!(error instanceof ApiError)) return error.message;
  if (error.status === 0) return TEXT.unreachable;
  if (error.status === 401) return TEXT.signedOut;
  return error.status === 403 ? TEXT.forbidden : error.message;
}

/** Why something is not shown, and what to do. */
export function Failure({ error, retry }: { error: Error; retry: () => void }) {
  const button = <Button onClick={retry} size="sm" variant="outline">{TEXT.retry}</Button>;
  return <Notice action={button} icon="warning" role="alert" title={TEXT.failedToLoad}>{sentence(error)}</Notice>;
}

/** Where content will appear. */
export function Loading({ rows = 5 }: { rows?: number }) {
  return (
    <Box aria-busy aria-label={TEXT.loading} p={4} role="status">
      {Array.from({ length: rows }, (_, row) => <Skeleton height="34px" key={row} mb={3} />)}
    </Box>
  );
}
