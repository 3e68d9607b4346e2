"""The bridge to Airflow: DAGs, parameters, and tasks that call the engine. No logic of ours."""
