"""Airflow on this machine: start it, watch it, stop all of it."""
