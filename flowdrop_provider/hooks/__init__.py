"""Hooks: how nodes reach other systems through Airflow's connections."""
