"""The Airflow plugin: what this package adds to Airflow's API server and user interface."""
