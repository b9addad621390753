"""The page "Inforu calls" in Airflow's UI: the sends of tasks, their outcomes, and the batches in doubt."""
