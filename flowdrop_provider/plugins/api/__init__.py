"""FlowDrop's public API over Airflow's runs, served by Airflow's API server below ``/flowdrop/api/v1``.

Everything is read from Airflow's own metadata; nothing is kept here but caches by content hash.
"""
