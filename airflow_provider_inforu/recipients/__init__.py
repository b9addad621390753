"""Recipients: rows of files and queries, one at a time, checked, kept on disk, and grouped into batches."""
