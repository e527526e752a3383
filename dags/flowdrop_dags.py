"""Every FlowDrop export in ``workflows/`` as an Airflow DAG."""

from flowdrop_provider.dag_factory import build_airflow_dags

globals().update(build_airflow_dags("workflows", beside=__file__))
