import { Flex } from "@chakra-ui/react";

import { CheckUpPanel } from "./CheckUpPanel";
import { NoticesPanel } from "./NoticesPanel";

/** For whoever looks after the deployment: what to change in it, and whom it tells of what. */
export function SystemView() {
  return (
    <Flex direction="column" gap={6}>
      <section><CheckUpPanel /></section>
      <section><NoticesPanel /></section>
    </Flex>
  );
}
