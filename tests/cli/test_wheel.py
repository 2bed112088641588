"""The wheel, installed in a clean environment outside the repository."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment that holds the wheel, and the dependencies of this one by path only."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            folder,
            REPOSITORY,
        ],
        check=True,
        cwd=folder,
    )
    (wheel,) = folder.glob("sealtrail-*.whl")
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True, cwd=folder)
    # The dependencies are those of this environment; the packages under test must come from the wheel alone.
    here = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    there = next((folder / "env").glob("lib/python*/site-packages"))
    for package in here.iterdir():
        if not package.name.startswith(("sealtrail", "_sealtrail", "pip", "setuptools", "_editable")):
            target = there / package.name
            if not target.exists():
                target.symlink_to(package)
    return python


def run(python, *arguments, cwd):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_it_runs_outside_the_repository(installed, tmp_path):
    done = run(installed, "-m", "sealtrail", "--version", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0.1.0" in done.stdout


def test_the_modules_come_from_the_wheel_and_bring_their_data(installed, tmp_path):
    program = (
        "import sealtrail, sealtrail_schemas.layout as layout; print(layout.__file__);"
        "print(*sorted(key.rsplit('/', 1)[1] for key in layout.format_documents()))"
    )
    done = run(installed, "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    path, documents = done.stdout.splitlines()
    assert str(REPOSITORY) not in path
    assert documents.split() == ["audit_event.avsc", "entry.avsc", "format.md", "payload.avsc"]


PRINT_FORMAT_PAGE = """
import sys
from sealtrail_schemas.layout import format_documents
(page,) = [text for key, text in format_documents().items() if key.endswith("format.md")]
sys.stdout.buffer.write(page)
"""


def test_the_format_page_in_the_wheel_is_the_one_in_the_docs(installed, tmp_path):
    done = run(installed, "-c", PRINT_FORMAT_PAGE, cwd=tmp_path)
    assert done.stdout == (REPOSITORY / "docs" / "format.md").read_text()


PRINT_BARE_NAMES = """
from importlib.util import find_spec
names = ["schemas", "producers", "chainer", "archiver", "auditor", "transport", "cli"]
print([name for name in names if find_spec(name)])
"""


def test_bare_names_stay_free_for_services(installed, tmp_path):
    done = run(installed, "-c", PRINT_BARE_NAMES, cwd=tmp_path)
    assert done.stdout.strip() == "[]"
