"""Operating a deployment: what is wrong with it, what may be forgotten, whether a channel works.

Called by the command line and by the API; every function takes a session or opens its own, and prints nothing.
"""
