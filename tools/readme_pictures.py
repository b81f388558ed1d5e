"""Draws the README's pictures from two snippets of the workspace: docs/terminal.svg and docs/report.png (wants chromium and playwright)."""

import io
import re
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from snipfix.cli.options import resolve
from snipfix.cli.run import run
from snipfix.model import RunReport
from snipfix.report import render
from snipfix.report.workspace import settled

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ("q08", "q29")
WIDTH = 112
FOREIGN = re.compile(r"@font-face\s*{[^}]*}\s*|<!-- Generated[^>]*-->| textLength=\"[^\"]*\"")
"""Fonts from elsewhere, and lengths that would squeeze Chinese."""


def terminal(report: RunReport) -> str:
    """What `snipfix repair` shows, as SVG with the reader's own fonts."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ snipfix repair " + " ".join(f"snippets/{name}*" for name in SHOWN) + " --lang en", "bold"))
    console.print(Text.from_ansi(render(report, "table", color=True, width=WIDTH, language="en", fit=True)))
    return FOREIGN.sub("", console.export_svg(title="snipfix"))


def page(report: RunReport, file: Path) -> None:
    """The HTML report as a browser shows it: the overview and one snippet."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        html = Path(folder, "page.html")
        html.write_text(render(report, "html", language="en"), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": 1280, "height": 1080}, color_scheme="light")
        shown.goto(html.as_uri())
        shown.click("#s1 > summary")
        shown.locator("#s1 figure").first.evaluate("element => scrollTo(0, element.getBoundingClientRect().top + scrollY - 240)")
        shown.screenshot(path=file)
        browser.close()


def main() -> None:
    files = [next((ROOT / "snippets").glob(f"{name}_*.py")) for name in SHOWN]
    report = settled(run(files, resolve(), repair=True).report, ROOT)
    (ROOT / "docs/terminal.svg").write_text(terminal(report), encoding="utf-8")
    page(report, ROOT / "docs/report.png")


if __name__ == "__main__":
    main()
