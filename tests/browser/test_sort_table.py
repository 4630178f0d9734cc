"""A table is sorted by its headings, numbers as numbers, what is not known last."""

from pathlib import Path

from playwright.sync_api import Browser

SCRIPT = Path(__file__).parents[2] / "static" / "js" / "sort_table.js"
PAGE = """<table data-sort><thead><tr><th>Feature</th><th>p</th></tr></thead><tbody>
<tr><td>Mean</td><td>0.2</td></tr><tr><td>Flat</td><td class="na">n/a: no spread</td></tr>
<tr><td>Energy</td><td>&lt; 0.001</td></tr><tr><td>Contrast</td><td>−1.5</td></tr></tbody></table>"""


def test_headings_sort_by_mouse_and_keyboard(browser: Browser):
    page = browser.new_page()
    page.set_content(PAGE)
    page.add_script_tag(path=SCRIPT)

    def names() -> list[str]:
        return page.locator("tbody td:first-child").all_inner_texts()

    page.get_by_role("button", name="p").click()
    assert names() == ["Contrast", "Energy", "Mean", "Flat"]
    page.keyboard.press("Enter")
    assert names() == ["Mean", "Energy", "Contrast", "Flat"]
    assert page.get_by_role("columnheader", name="p").get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="Feature").click()
    assert names() == ["Contrast", "Energy", "Flat", "Mean"]
    page.close()
