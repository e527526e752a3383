"""What answers look like: FlowDrop's published shapes and our own, as pure functions over what was read."""
