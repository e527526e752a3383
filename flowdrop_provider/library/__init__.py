"""The library: where documents lie, what became of each, and the outlines that DAGs are built from."""
