"""The options of the sandbox's command lines, for argparse. This module imports nothing heavy."""

from __future__ import annotations

from typing import Any

OPTIONS: dict[str, dict[str, Any]] = {
    "--host": {"default": "127.0.0.1", "help": "The address to listen on"},
    "--allowed-hosts": {
        "default": "",
        "help": "The allowed host names in requests, separated by commas, in addition to --host, this "
        "machine's names and IP addresses",
    },
    "--port": {"type": int, "default": 8765, "help": "The port to listen on; 0 uses a free port"},
    "--username": {"default": "sandbox", "help": "The user name of the account"},
    "--token": {"default": "sandbox-token", "help": "The API token of the account"},
    "--seed": {"type": int, "default": 1, "help": "The seed of the random outcomes"},
    "--call-seconds": {"type": float, "default": 1.0, "help": "How long a call lasts, in seconds"},
    "--requests-per-second": {
        "type": int,
        "default": 30,
        "help": "The rate limit of the account; 0 for no limit",
    },
    "--notification-url": {"default": None, "help": "The URL for notifications of ended calls"},
}
"""Each option is also an argument of `serve`, with underscores in its name."""
