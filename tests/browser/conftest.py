"""A real browser for the tests of pages: Debian's Chromium, without a head and without a network."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from left_out import leave_out
from packs import member

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_MS = 60_000


@pytest.fixture(scope="module")  # Playwright runs an event loop as long as it lives: no others could begin
def browser():
    """One Chromium for the tests of a module."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        leave_out("there is no Chromium, so no page was opened: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # Chromium refuses to run in its sandbox as root, as containers do.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield chromium
        chromium.close()


@dataclass
class Opened:
    """A page that has done its checks; what it said and asked for meanwhile."""

    page: Any
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def colour(self) -> str:
        return self.page.locator("#verdict").get_attribute("data-colour")

    def states(self) -> list[dict[str, str]]:
        """The states of the checks of each entry that is listed, by name."""
        names = ["form", "leaf", "payload", "inclusion", "signature", "seal"]
        return self.page.evaluate(
            "names => [...document.querySelectorAll('.entry')].map("
            "entry => Object.fromEntries(names.map(name => [name, entry.dataset[name]])))",
            names,
        )

    def colours(self) -> list[str]:
        return self.page.evaluate(
            "[...document.querySelectorAll('.entry')].map(entry => entry.dataset.colour)"
        )


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens a page from disk: `open_page(html, script_before=…, **settings of the context)`."""
    contexts = []

    def open_file(html: bytes, *, before: str | None = None, waits: bool = True, **settings: Any) -> Opened:
        file: Path = tmp_path / f"page-{len(contexts)}.html"
        file.write_bytes(html)
        context = browser.new_context(offline=True, **settings)
        context.set_default_timeout(DEADLINE_MS)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.console.append(message.text))
        opened.page.on("pageerror", lambda error: opened.console.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        if before is not None:
            context.add_init_script(before)
        opened.page.goto(file.as_uri())
        if waits:
            opened.page.wait_for_selector("html[data-done]", state="attached")
        return opened

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture
def open_pack(open_page):
    """Opens the page of a pack."""
    return lambda data, **settings: open_page(member(data, "index.html"), **settings)
