"""The command line and the pages say the same: every command has its example, every example parses."""

import importlib.util
import re
import shlex

import click
import pytest
from click.testing import CliRunner

from pages import ROOT, blocks, pages, prose
from sealtrail.app import COMMANDS, app

REFERENCE = ROOT / "docs" / "cli.md"
README = ROOT / "README.md"
OPERATORS = {"|", "||", "&", "&&", ";", ">", ">>", "<", "(", ")"}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path):
    """Neither the environment nor a settings file of this machine has a say."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "TRACEBACK"):
        monkeypatch.delenv(f"SEALTRAIL_{name}", raising=False)


def make_cli():
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs" / "make_cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_program_says():
    assert REFERENCE.read_text("utf-8") == make_cli().page(), "run docs/make_cli.py"


@pytest.mark.parametrize("command", [*COMMANDS])
def test_each_command_has_an_example_and_is_in_the_reference(command):
    help_text = CliRunner().invoke(app, [command, "--help"], terminal_width=100).output
    assert re.search(rf"^  Examples?:\n +.*sealtrail {command}", help_text, re.MULTILINE)
    assert "\n".join(map(str.rstrip, help_text.splitlines())) in REFERENCE.read_text("utf-8")


@pytest.mark.parametrize("command", [*COMMANDS])
def test_each_command_is_in_the_readme(command):
    assert re.search(rf"sealtrail {command}\b", README.read_text("utf-8"))


def calls(line: str):
    """The arguments of each call of sealtrail in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found = None
    for token in [*lexer, ";"]:
        if token in OPERATORS:
            if found is not None:
                yield found
            found = None
        elif found is not None:
            found.append(token)
        elif token.split("/")[-1] == "sealtrail":
            found = []


def shown(page):
    """Every call of sealtrail that a page shows as one to type."""
    for block in blocks(page):
        text = block.text.replace("\\\n", " ")
        if block.language == "console":
            lines = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
        elif block.language == "sh":
            lines = text.splitlines()
        elif page == REFERENCE:
            lines = [
                line
                for part in re.findall(r"Example.*?:\n(.*?)(?:\n\n|\Z)", text, re.DOTALL)
                for line in part.splitlines()
            ]
        else:
            continue
        for line in lines:
            if "sealtrail " in line:
                yield from calls(line)


CALLS = sorted({(page.name, shlex.join(call)) for page in pages() for call in shown(page)})


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_each_call_that_a_page_shows_can_be_made(tmp_path, page, call):
    name, *arguments = shlex.split(call)
    root = app.make_context("sealtrail", [name], resilient_parsing=True)
    if name.startswith("-"):
        assert name in {option for param in app.get_params(root) for option in param.opts}
        return
    command = app.get_command(root, name)
    assert command is not None, f"{page}: there is no command {name}"
    given, _, _ = command.make_parser(click.Context(command, parent=root)).parse_args([*arguments])
    for param in command.params:
        if isinstance(param.type, click.Path) and param.type.exists:
            for file in given.get(param.name, []):
                (tmp_path / file).touch()
    command.make_context(name, arguments, parent=root)


def test_calls_are_found():
    """The test above would say nothing of pages in which it finds nothing."""
    named = {call.split()[0] for page, call in CALLS if page == "README.md"}
    assert {"init", "up", "produce", "verify", "show", "fetch"} <= named
    assert named <= {*COMMANDS, "--version", "--help"}
    assert [*calls("echo 'a | b' | x/sealtrail produce - > out # sealtrail x")] == [["produce", "-"]]


def test_options_named_in_the_text_exist():
    """Inline code such as `sealtrail verify --head FILE` names a command and options that there are."""
    root = click.Context(app)
    for page in pages():
        for call in re.findall(r"`sealtrail ([a-z][^`]*)`", prose(page)):
            name, *rest = call.split()
            assert name in COMMANDS, f"{page.name}: sealtrail {call}"
            options = {option for param in app.get_command(root, name).params for option in param.opts}
            assert {word for word in rest if word.startswith("-")} <= options, (
                f"{page.name}: sealtrail {call}"
            )
