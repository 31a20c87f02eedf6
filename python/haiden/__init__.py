"""A template engine that speaks Jinja2 exactly. The public API comes later; `haiden._native` does the work."""
