"""Run and job states on their way back to Drupal: told from Airflow's own tables, delivered in order, at least once.

A process beside the scheduler compares each run with what its site has acknowledged, and sends the difference. Nothing
depends on a task or a worker living long enough to send something: what is in Airflow's database will be told, however late.
"""
