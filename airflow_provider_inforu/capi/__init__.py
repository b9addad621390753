"""The vendor's API, without Airflow. Only `client` uses the network."""
