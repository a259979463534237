"""From manifest files to `Declared`: everything a person wrote, checked, with its places."""

from __future__ import annotations

# Not lazy: `load` is a module too, and whoever imports that first would hide the function.
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.paths import is_manifest, manifest_files

__all__ = ["Loaded", "is_manifest", "load", "manifest_files"]
