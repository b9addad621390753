"""The options of the sandbox's command lines, as argparse takes them: pure data, nothing heavy."""

from __future__ import annotations

from typing import Any

OPTIONS: dict[str, dict[str, Any]] = {
    "--host": {"default": "127.0.0.1", "help": "Address to listen on"},
    "--allowed-hosts": {
        "default": "",
        "help": "Host names to which it answers, separated by commas, in addition to --host, this machine's "
        "names and IP addresses",
    },
    "--port": {"type": int, "default": 8765, "help": "Port to listen on; 0 takes a free one"},
    "--username": {"default": "sandbox", "help": "User name of the account"},
    "--token": {"default": "sandbox-token", "help": "API token of the account"},
    "--seed": {"type": int, "default": 1, "help": "Decides the outcomes that are left to chance"},
    "--call-seconds": {"type": float, "default": 1.0, "help": "How long a call lasts"},
    "--requests-per-second": {
        "type": int,
        "default": 30,
        "help": "Rate limit of the account; 0 for none",
    },
    "--notification-url": {"default": None, "help": "Where the end of each call is pushed to"},
}
"""Each is an argument of `serve` too, spelt with underscores."""
