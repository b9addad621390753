"""Make the pictures of docs/ui.md from made-up sends: ``make screenshots``."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

# Airflow reads it with its first import.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="inforu-screenshots-"))

import uvicorn
from playwright.sync_api import sync_playwright

from airflow_provider_inforu.calls_page import PREFIX, list_address
from airflow_provider_inforu.ui import page_app
from airflow_provider_inforu.ui.addresses import send_address
from demo.sample_calls import make_sample_calls

FOLDER = Path(__file__).parent / "images"
SIZES = {"wide": (1280, 900), "narrow": (400, 1000)}
THEMES = ("light", "dark")


def main() -> None:
    """Serve the page without a login, and take every picture."""
    source = make_sample_calls()
    pages = page_app.build_app(source)
    pages.dependency_overrides = {
        page_app.read_dag_ids: lambda: {task.dag_id for task in source.sends},
        page_app.may_read_task: lambda: None,
        page_app.read_may_settle: lambda: True,
    }
    listener = socket.create_server(("127.0.0.1", 0))
    outer = page_app.FastAPI()
    outer.mount(PREFIX, pages)
    server = uvicorn.Server(uvicorn.Config(outer, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    shown = {"list": list_address(), "send": send_address(list(source.sends)[1])}
    try:
        take_pictures(f"http://127.0.0.1:{listener.getsockname()[1]}", shown)
    finally:
        server.should_exit = True
        thread.join()


def take_pictures(url: str, shown: dict[str, str]) -> None:
    """Write a picture of each page in each theme and width."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        sys.exit("No Chromium was found. Install it, then run `make screenshots` again.")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for size, (width, height) in SIZES.items():
            for theme in THEMES:
                context = browser.new_context(viewport={"width": width, "height": height})
                context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
                page = context.new_page()
                for name, address in shown.items():
                    page.goto(url + address)
                    page.screenshot(path=FOLDER / f"calls-{name}-{theme}-{size}.png")
                    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                        sys.exit(f"The page {name!r} is wider than {width} pixels.")
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
