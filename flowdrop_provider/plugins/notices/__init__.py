"""Notices: somebody is told when a run fails, waits, is slow, or works again.

A process beside the scheduler looks and sends, so that neither a run nor a task ever waits for a mail server.
"""
