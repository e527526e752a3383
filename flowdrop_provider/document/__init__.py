"""The document layer: what a workflow is, read from every export shape, validated rule by rule.

Nothing is imported here: a DAG file is parsed again and again and needs very little of it.
"""
