"""The HTML report in a real browser: what a reader does with it works, it asks for nothing, and nobody is locked out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_sample as sample

from snipfix.model import RunReport
from snipfix.report import render

MANY = 3000
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SERIOUS = {"critical", "serious", "moderate"}

Open = Callable[..., Any]


class Opened:
    """A page and everything it should not have done."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def quiet(self, address: str) -> None:
        """It asked for nothing but itself and complained of nothing."""
        assert set(self.requests) == {address}
        assert not self.complaints


def many() -> RunReport:
    """A report of thousands of snippets, each with its own name and title; every fiftieth was repaired."""
    made = (sample.repaired(), *(sample.clean() for _ in range(49)))
    results = []
    for number in range(MANY):
        one = made[number % len(made)]
        results.append(replace(one, snippet=replace(one.snippet, id=f"n{number:04d}", title=f"{one.snippet.title} {number}")))
    return replace(sample.report(), results=tuple(results))


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, report in (("small", sample.report()), ("many", many())):
        (folder / f"{name}.html").write_text(render(report, "html", language="en"), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in ("small", "many")}


@pytest.fixture
def visit(browser: Any, files: dict[str, Path]) -> Iterator[Open]:
    """Opens a page; at the end each one must have been quiet."""
    opened: list[tuple[Opened, str]] = []
    contexts = []

    def visit(name: str = "small", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": DESK, "permissions": ["clipboard-read", "clipboard-write"], **options})
        contexts.append(context)
        page = Opened(context.new_page())
        address = files[name].as_uri()
        page.page.goto(address)
        opened.append((page, address))
        return page.page

    yield visit
    for page, address in opened:
        page.quiet(address)
    for context in contexts:
        context.close()


def shown(page: Any) -> list[str]:
    """The ids of the snippets that are listed."""
    return page.locator(".card:visible .id").all_inner_texts()


def test_search_and_filter_and_both(visit: Open):
    page = visit()
    assert shown(page) == ["q01", "q02", "q03", "q04", "d01"]
    page.fill("#search", "linear-width")
    assert shown(page) == ["q02"]
    page.fill("#search", "")
    page.click("[data-filter='not runnable']")
    assert shown(page) == ["d01"]
    assert page.get_attribute("[data-filter='not runnable']", "aria-pressed") == "true"
    page.fill("#search", "q02")
    assert shown(page) == []
    assert page.inner_text("#count") == "0 / 5"


def test_escape_shows_all_again(visit: Open):
    page = visit()
    page.fill("#search", "q02")
    page.click("[data-filter='failing']")
    page.keyboard.press("Escape")
    assert page.inner_text("#count") == "5 / 5"
    assert page.input_value("#search") == ""
    assert page.get_attribute("[data-filter='']", "aria-pressed") == "true"


def test_expand_and_collapse(visit: Open):
    page = visit()
    assert page.locator(".listing:visible").count() == 0
    page.click("#expand")
    assert page.locator(".listing:visible").count() == 5
    page.click("#collapse")
    assert page.locator(".card[open]").count() == 0


def test_the_language_is_switched_and_remembered(visit: Open):
    page = visit()
    assert page.inner_text("h1") == "Snippet report"
    page.click("#language")
    assert page.inner_text("h1") == "代码片段报告"
    assert page.get_attribute("html", "lang") == "zh-Hans"
    assert page.get_attribute("#search", "placeholder") == "搜索标题、规则、说明"
    page.click("#s4 summary")
    assert "没有候选能修好它" in page.inner_text("#s4")
    page.reload()
    assert page.inner_text("h1") == "代码片段报告"
    page.click("#language")
    assert page.inner_text("h1") == "Snippet report"


def test_the_theme_is_switched_and_remembered(visit: Open):
    page = visit(color_scheme="light")

    def ground() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    page.click("#theme")
    dark = ground()
    assert dark != light
    page.reload()
    assert ground() == dark


def test_paper_is_white_whatever_the_theme(visit: Open):
    page = visit(color_scheme="dark")
    page.click("#theme")
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.emulate_media(media="print")
    ground, ink = (page.evaluate(f"getComputedStyle(document.querySelector('.panel')).{name}") for name in ("backgroundColor", "color"))
    assert ground == "rgb(255, 255, 255)"
    assert ink == "rgb(31, 35, 40)"
    assert page.locator(".tools").is_hidden()


def test_paper_shows_what_is_listed_whole_and_nothing_to_press(visit: Open):
    """All that can be opened is open while it is printed, and shut again after that."""
    page = visit()
    page.fill("#search", "q02")
    closed = page.locator("details:not([open])").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#s2 details:not([open])").count() == 0
    assert page.locator(".would:visible").count() > 0
    assert page.locator("button:visible, input:visible").count() == 0
    assert page.locator(".listing:visible").count() == 1, "what the filter hides stays hidden"
    page.set_viewport_size({"width": 700, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert page.evaluate("[...document.querySelectorAll('.split')].every((one) => one.scrollWidth <= one.clientWidth)"), (
        "paper does not scroll"
    )
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == closed


def test_a_diff_is_shown_both_ways_and_copied(visit: Open):
    page = visit()
    page.click("#s2 summary")
    diff = page.locator("#s2 .diff")
    assert diff.locator(".split").is_visible()
    diff.locator("[data-show='unified']").click()
    assert diff.locator(".unified").is_visible()
    assert not diff.locator(".split").is_visible()
    diff.locator(".copy").click()
    repair = sample.repaired().repair
    assert repair is not None
    assert page.evaluate("navigator.clipboard.readText()") == repair.diff
    assert diff.locator(".copy .did").first.is_visible()


def test_the_keyboard_is_enough(visit: Open):
    page = visit()
    page.focus("#search")
    page.keyboard.type("q02")
    page.focus("#s2 > summary")
    page.keyboard.press("Enter")
    assert page.locator("#s2[open]").count() == 1
    page.focus("#language")
    page.keyboard.press("Space")
    assert page.get_attribute("html", "lang") == "zh-Hans"


def test_the_keyboard_stops_only_at_what_scrolls(visit: Open):
    page = visit(viewport=PHONE)
    stops = "[...document.querySelectorAll('#s2 [tabindex=\"0\"]')].filter((one) => one.scrollWidth <= one.clientWidth).length"
    page.click("#s2 > summary")
    page.wait_for_function(f"{stops} === 0")
    assert page.locator("#s2 .listing[tabindex='0']").count() == 1
    page.click("#s2 [data-show='split']")
    assert page.locator("#s2 .split[tabindex='0']").count() == 1
    page.set_viewport_size(DESK)
    page.wait_for_function(f"{stops} === 0 && !document.querySelector('#s2 .listing[tabindex=\"0\"]')")


def test_a_link_to_a_snippet_opens_it(visit: Open):
    page = visit()
    page.evaluate("location.hash = 's3'")
    page.wait_for_selector("#s3[open]")


def test_nothing_a_snippet_wrote_is_obeyed(visit: Open):
    page = visit()
    page.click("#expand")
    assert page.locator("script").count() == 1
    assert page.locator(".card img, .card a[href^='javascript']").count() == 0


def test_without_script_everything_can_be_read(visit: Open):
    page = visit(java_script_enabled=False)
    assert page.locator("#search").is_hidden()
    page.click("#s2 > summary")
    assert page.locator("#s2 .split").is_visible()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_is_accessible(visit: Open, viewport: dict[str, int], scheme: str, language: str):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: pip install axe-playwright-python")
    page = visit(viewport=viewport, color_scheme=scheme)
    if language == "zh":
        page.click("#language")
    page.click("#expand")
    page.evaluate("for (const one of document.querySelectorAll('.body details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    found = [one for one in axe.Axe().run(page).response["violations"] if one["impact"] in SERIOUS]
    assert not found, [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


def test_thousands_of_snippets_are_usable(visit: Open):
    """Each one's details lie packed until it is opened; what is in them then works as in a small report."""
    page = visit("many")
    assert page.locator(".listing").count() == 0
    page.fill("#search", "n2950")
    assert shown(page) == ["n2950"]
    page.click(".card:visible > summary")
    page.wait_for_selector(".listing:visible")
    diff = page.locator(".card:visible .diff")
    diff.locator("[data-show='unified']").click()
    assert diff.locator(".unified").is_visible()
    diff.locator(".copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == sample.repaired().repair.diff  # type: ignore[union-attr]
    page.fill("#search", "")
    assert page.inner_text("#count") == f"{MANY} / {MANY}"


def test_what_is_unpacked_speaks_the_language_of_the_page(visit: Open):
    page = visit("many", viewport=PHONE)
    page.click("#language")
    page.evaluate("location.hash = 's101'")
    page.wait_for_selector("#s101 .listing")
    assert page.get_attribute("#s101 .listing", "aria-label") == "代码 n0100"
    assert page.locator("#s101 .unified").is_visible()


def test_without_script_a_report_of_thousands_says_what_it_needs(visit: Open):
    page = visit("many", java_script_enabled=False)
    assert "script switched on" in page.inner_text("noscript")
