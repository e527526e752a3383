"""What Airflow has no place for: sessions of the playground, snapshots of runs, and what a Drupal site was told of them.

The tables live in Airflow's own database and are made and upgraded by ``airflow db migrate``, through the database manager
that the provider names. They never hold a copy of a run: what a session shows of a run is told from the run (DESIGN 4).
"""
