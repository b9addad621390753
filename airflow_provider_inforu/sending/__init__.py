"""Sends batches in the sending window, at the connection's rate, after the ledger stores their intents."""
