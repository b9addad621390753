"""Sphinx configuration: pages in Markdown, the reference from docstrings."""

from __future__ import annotations

import os
import tempfile

# Importing Airflow writes its configuration somewhere; not into the reader's home.
_home = tempfile.TemporaryDirectory(prefix="inforu-docs-")
os.environ["AIRFLOW_HOME"] = _home.name

from airflow_provider_inforu import __version__

project = "airflow-provider-inforu"
copyright = "the airflow-provider-inforu developers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
default_role = "code"
exclude_patterns = ["_build"]
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "furo"
html_title = f"airflow-provider-inforu {version}"
