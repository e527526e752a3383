"""What Airflow has no place for: sessions of the playground with their messages, and snapshots of runs.

The tables live in Airflow's own database and are made and upgraded by ``airflow db migrate``, through the database manager
that the provider names. They never hold a copy of a run: what a session shows of a run is told from the run (DESIGN 4).
"""
