from pathlib import Path

import app
from app.telemetry.version import service_version


def test_the_version_is_that_of_the_project_file() -> None:
    project = Path(app.__file__).parents[1] / "pyproject.toml"

    assert f'version = "{service_version()}"' in project.read_text(encoding="utf-8")


def test_without_a_project_file_and_a_package_the_version_is_unknown(tmp_path: Path) -> None:
    assert service_version(tmp_path / "pyproject.toml") == "unknown"
