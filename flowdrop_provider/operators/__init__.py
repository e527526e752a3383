"""Thin operators: they ask the engine, run one step, record it and hand its values on."""
