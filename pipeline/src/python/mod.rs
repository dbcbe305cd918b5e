//! Python source, read with Astral's `ruff_python_parser`. Its API is unstable: nothing outside this module uses it.
