"""Reads rows from lists, files and queries, checks them, stores recipients on disk and makes batches."""
