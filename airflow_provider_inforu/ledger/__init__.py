"""The ledger: the durable record of a send's batches, and its stores."""
