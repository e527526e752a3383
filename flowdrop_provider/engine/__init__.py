"""The engine: what a run is. Compile a workflow to a plan, decide what runs, execute a node, record what came of it.

Nothing is imported here: a DAG file is parsed again and again and needs very little of it.
"""
