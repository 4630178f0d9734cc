"""The pictures in README.md and docs/tour.md, taken from the running demonstration: `make screenshots`."""

import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests import chromium
from tests.site_process import ROOT, Site

FOLDER = ROOT / "docs" / "pictures"
CLOSED = "/studies/synthetic-spine-mri-paired-reading/"
OPEN = "/studies/spine-mri-with-two-real-necks-paired-reading/"


def sign_in(page: Page, site: Site, name: str) -> None:
    page.context.clear_cookies()
    page.goto(site.url + "/login/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill("demo")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def visit(page: Page, address: str) -> None:
    answer = page.goto(address)
    if answer is None or not answer.ok:
        raise SystemExit(f"There is no page at {address}: a picture of that is of no use.")


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")
    print(FOLDER / f"{name}.png")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = chromium.find()
    if path is None:
        raise SystemExit("There is no Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as var, chromium.launched(path) as browser:
        site = Site(Path(var), demo=True)
        print("Making the demonstration; this takes some minutes.")
        site.start(patience=1800)
        try:
            page = browser.new_page(viewport={"width": 1600, "height": 900})
            sign_in(page, site, "admin")
            for name, address in (("home", "/"), ("protocol", f"{OPEN}protocol/"), ("material", f"{CLOSED}material/")):
                visit(page, site.url + address)
                shoot(page, name)
            sign_in(page, site, "analyst")
            visit(page, f"{site.url}{CLOSED}results/")
            shoot(page, "results")
            sign_in(page, site, "reader-1")
            visit(page, f"{site.url}{OPEN}reading/room/")
            page.wait_for_url("**/briefing/")
            shoot(page, "briefing")
            page.get_by_role("button", name="Begin with").click()
            page.wait_for_selector("#pane-left[data-ready=true]")
            page.wait_for_timeout(600)
            for key in "433":
                page.keyboard.press(key)
            shoot(page, "reading")
        finally:
            site.stop()


if __name__ == "__main__":
    main()
