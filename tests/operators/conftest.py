from __future__ import annotations

import os
import sys
import tempfile

# Importing Airflow writes its configuration where AIRFLOW_HOME points; it must not be that of whoever runs the tests.
if "airflow" not in sys.modules:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="flowdrop-operator-tests-")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
