"""Imports what Airflow users import; Airflow shows an import error where that fails."""

from __future__ import annotations

from importlib import import_module

from airflow.sdk import DAG

from airflow_provider_inforu.get_provider_info import get_provider_info

KINDS = ("hooks", "operators", "sensors", "triggers")

for kind in KINDS:
    for entry in get_provider_info().get(kind, []):
        for module in entry["python-modules"]:
            import_module(module)
for entry in get_provider_info()["transfers"]:
    import_module(entry["python-module"])
decorators = [entry["class-name"] for entry in get_provider_info()["task-decorators"]]
for path in [*get_provider_info()["notifications"], *decorators]:
    import_module(path.rpartition(".")[0])

with DAG("every_module", schedule=None):
    pass
