"""The ledger: the durable record of the requests of a send, and where it is stored."""
