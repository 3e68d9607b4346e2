"""What a function does, as a version: of itself, and of all the users' code that it depends on."""

from assets.model.code.canonical import canonical
from assets.model.code.versions import CodeVersions, code_version

__all__ = ["CodeVersions", "canonical", "code_version"]
