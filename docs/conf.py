"""Settings of the documentation site: ``python3 do.py docs`` builds it into ``build/docs``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from accord import __version__  # noqa: E402  after the path

project = "Accord"
author = "The Accord contributors"
copyright = "The Accord contributors, Apache-2.0"
version = release = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "accord_site"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_ext", "_static"]
nitpicky = True
smartquotes = False  # a flag has two hyphens

myst_enable_extensions = ["deflist", "attrs_inline"]
myst_heading_anchors = 4

autodoc_typehints = "none"  # docstrings say what each argument is, with its unit
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"Accord {__version__}"
html_static_path = ["_static"]
html_css_files = ["accord.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # it would be fetched, which a page opened as a file may not do
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
