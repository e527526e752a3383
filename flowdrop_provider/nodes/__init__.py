"""The node catalogue: one module per category, one small function per processor."""
