"""Rows from where people are kept: files and databases. They are read as they are needed, and never held."""
