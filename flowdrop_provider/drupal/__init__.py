"""What a Drupal site and this package say to each other over HTTP: the client, the signature, the contracts.

Nothing here knows Airflow: the command line uses the same client as the hook, and the tests hold both sides of a contract to
one set of vectors (``drupal/flowdrop_airflow/tests/contract``).
"""
