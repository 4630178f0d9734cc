"""Tables of results in Chromium: sorted by their headings, copied for other programs, explained without a mouse."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

SCRIPT = Path(__file__).parents[2] / "static" / "js" / "results.js"
MENU = (Path(__file__).parents[2] / "templates" / "results" / "copy_menu.html").read_text(encoding="utf-8")
PAGE = """<!DOCTYPE html><main><section><h2>Features_1 & more</h2>
{menu}
<table id="t" data-sort>
<thead><tr><th>Feature</th><th>n</th><th><abbr title="of the test">p</abbr></th></tr></thead>
<tbody>
<tr><td>Mean_2</td><td>1,024</td><td class="num" title="n = 9; signed rank">0.2</td></tr>
<tr><td>Flat</td><td>7</td><td class="na" title="no spread">n/a<span class="vh">: no spread</span></td></tr>
<tr><td>Energy | 10 %</td><td>7</td><td title="exact">&lt; 0.001</td></tr>
<tr><td>=1+1</td><td>30</td><td title="by t">−1.5 <small>−2 to 1</small></td></tr>
<tr><td>Mean_10</td><td>9</td><td>4.4 × 10⁻¹²</td></tr></tbody></table>
<svg role="img" aria-label="FAST better 3" width="90" height="20">
<rect width="40" height="20"><title>FAST: 3</title></rect>
</svg></section></main>"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    html = PAGE.format(menu=MENU.replace("{{ table }}{{ nth }}", "t"))
    page.route("http://localhost/", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    page.goto("http://localhost/")
    page.add_script_tag(path=SCRIPT)
    yield page
    context.close()
    assert errors == []


def names(page: Page) -> list[str]:
    return page.locator("tbody td:first-child").all_inner_texts()


def test_headings_sort_by_mouse_and_keyboard_and_a_third_press_undoes_it(page: Page):
    sent = names(page)
    page.get_by_role("button", name="p", exact=True).click()
    assert names(page) == ["=1+1", "Mean_10", "Energy | 10 %", "Mean_2", "Flat"]
    page.keyboard.press("Enter")
    assert names(page) == ["Mean_2", "Energy | 10 %", "Mean_10", "=1+1", "Flat"]
    heading = page.locator("th", has_text="p")
    expect(heading).to_have_attribute("aria-sort", "descending")
    page.keyboard.press("Enter")
    assert names(page) == sent
    assert heading.get_attribute("aria-sort") is None
    page.get_by_role("button", name="Feature").click()
    assert names(page) == ["=1+1", "Energy | 10 %", "Flat", "Mean_2", "Mean_10"]
    page.get_by_role("button", name="n", exact=True).click()
    assert names(page) == ["Energy | 10 %", "Flat", "Mean_10", "=1+1", "Mean_2"]  # equal ones as they stood


def copied(page: Page, form: str, kind: str = "text/plain") -> str:
    page.get_by_text("Copy table").click()
    page.get_by_role("button", name=form).click()
    expect(page.locator("summary")).to_have_text("Copied")
    said = page.evaluate(
        "async kind => (await (await navigator.clipboard.read())[0].getType(kind)).text()",
        kind,
    )
    page.evaluate("document.querySelector('summary').textContent = 'Copy table'")
    return said


def test_a_table_is_copied_for_word_markdown_latex_and_spreadsheets(page: Page):
    word = copied(page, "for Word", "text/html")
    assert "<td>Mean_2</td>" in word
    assert "(−2 to 1)" in word
    assert "no spread" not in word
    assert "title=" not in word
    tabs = copied(page, "with tabs").splitlines()
    assert tabs[:3] == ["Feature\tn\tp", "Mean_2\t1,024\t0.2", "Flat\t7\tn/a"]
    assert tabs[4] == "'=1+1\t30\t-1.5 (-2 to 1)"
    assert copied(page, "as Markdown").splitlines() == [
        r"Features\_1 & more",
        "",
        "| Feature | n | p |",
        "| --- | ---: | ---: |",
        r"| Mean\_2 | 1,024 | 0.2 |",
        "| Flat | 7 | n/a |",
        r"| Energy \| 10 % | 7 | \< 0.001 |",
        "| =1+1 | 30 | −1.5 (−2 to 1) |",
        r"| Mean\_10 | 9 | 4.4 × 10⁻¹² |",
    ]
    page.evaluate("document.querySelectorAll('tbody td')[3].textContent = '* [Flat]'")
    latex = copied(page, "as LaTeX").splitlines()
    assert r"{*} {[}Flat] & 7 & n/a \\" in latex
    assert r"\caption{Features\_1 \& more}" in latex
    assert r"\begin{tabular}{lrr}" in latex
    assert r"Energy \textbar{} 10 \% & 7 & \textless{} 0.001 \\" in latex
    assert r"=1+1 & 30 & $-$1.5 ($-$2 to 1) \\" in latex
    assert r"Mean\_10 & 9 & 4.4 $\times$ 10$^{-12}$ \\" in latex


def test_numbers_explain_themselves_by_key_pointer_and_touch(page: Page):
    box = page.locator("#explanation")
    page.get_by_role("button", name="n", exact=True).focus()
    page.keyboard.press("Tab")  # the heading p: its button
    expect(box).to_have_text("of the test")
    page.keyboard.press("Tab")  # the table's cells are one stop
    expect(box).to_have_text("n = 9; signed rank")
    focused = page.locator(":focus")
    assert focused.get_attribute("title") is None  # or the browser would say it too
    expect(focused).to_have_attribute("aria-describedby", "explanation")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_text("no spread")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    page.keyboard.press("End")
    expect(box).to_have_text("by t")
    page.keyboard.press("Tab")  # and out of it: the figure
    expect(box).to_have_text("FAST better 3")
    page.locator("td", has_text="0.2").hover()
    expect(box).to_have_text("n = 9; signed rank")
    box.hover()  # it stays, so that it can be read through a lens
    expect(box).to_be_visible()
    page.locator("rect").hover()
    expect(box).to_have_text("FAST: 3")
    page.mouse.move(600, 400)
    expect(page.locator("td", has_text="0.2")).to_have_attribute("title", "n = 9; signed rank")
    page.locator("td", has_text="0.001").dispatch_event("click")  # as a finger does
    expect(box).to_have_text("exact")
    page.locator("h2").dispatch_event("click")
    expect(box).to_be_hidden()
