"""Sends batches: in the sending window, at the rate of the connection, each with its intent in the ledger."""
