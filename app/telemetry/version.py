"""The version of this service, from one source: the project's metadata."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PROJECT_FILE = Path(__file__).parents[2] / "pyproject.toml"


def service_version(project_file: Path = _PROJECT_FILE) -> str:
    """Read `0.1.0` from the project file beside the code, else from an installed package.

    `unknown` where there is neither: code copied into an image without them.
    """
    if project_file.is_file():
        project = tomllib.loads(project_file.read_text(encoding="utf-8"))["project"]
        return str(project["version"])
    try:
        return version("naru")
    except PackageNotFoundError:
        return "unknown"
