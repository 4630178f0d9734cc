"""Every page of every role against the rules of WCAG 2.2, A and AA, that a program can check."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Route

from readerstudy.access.services import Seen, keep
from readerstudy.accounts.invitations import invite
from readerstudy.accounts.models import User
from readerstudy.accounts.services import add_member
from readerstudy.home import watch
from readerstudy.images.models import Feature
from readerstudy.images.radiomics import active_settings
from readerstudy.jobs.clock import ago
from readerstudy.jobs.models import Job, Worker
from readerstudy.jobs.services import tell_obstacles
from readerstudy.material.models import VolumeOfInterest
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.reading.unblinding import unblind
from readerstudy.results.exports import table_csv
from readerstudy.results.imported import import_table
from readerstudy.results.imported_tables import tables
from tests import factories
from tests.accounts.test_permissions import ADDRESSES, client_of
from tests.accounts.test_second_factor import digits
from tests.browser.axe import AXE, violations
from tests.once import made_once
from tests.results.test_results_page import answer_all
from tests.results.test_tables import with_metrics

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SITE = "http://site.test"
FILES = (".csv", ".json", ".pdf", ".png", ".svg", ".xlsx", ".zip")  # no pages


@made_once()
def closed() -> ReaderStudy:
    """A draft, a study that is being read, and one that is closed."""
    draft = factories.make_study(subjects=2, title="Draft")
    factories.two_acquisitions(draft, subject="S09")
    reading = factories.open_(factories.make_study(subjects=2, title="Being read"))
    closed = factories.make_study(subjects=3, readers=3, title="Closed")
    for study in (draft, reading, closed):
        add_member(study=study, user=factories.make_user(f"analyst of {study.slug}"), role="analyst")
    measure(closed)
    admin = reading.memberships.get(role="admin").user
    unblind(study=reading, proof=factories.proof_of(admin), what="R1-0001", reason="A finding needs care at once")
    seen = Seen(reading.slug, admin.pk, "numbers", "image_metrics", ())
    keep({seen: (timezone.now(), timezone.now(), 1)}, UUID(int=1), {})
    factories.open_(closed)
    answer_all(closed, {"R1": [4, 3, 3], "R2": [4, 4, 3, 2], "R3": [3, 5, 3, 3, 2]})
    factories.check_display(closed.memberships.get(code="R1"), dark=False)
    factories.keep_log(closed.presentations.get(reader__code="R1", position=1))
    with_metrics(move(study=closed, to="closed", actor=None))
    import_ratings(closed)
    return closed


def import_ratings(study: ReaderStudy) -> None:
    """A table that came from a sheet."""
    ratings = table_csv(study, "ratings").decode()
    made = {"ratings": ratings, "map": "", "rows": ratings.count("\n"), "cells": 1, "notes": ["n"], "slips": ["s"] * 8}
    actor = study.memberships.get(role="admin").user
    import_table(study=study, actor=actor, title="Of a sheet", sheet=b"", made=made)


def measure(study: ReaderStudy) -> None:
    """One volume in each case, with features on every arm; one of them is undefined."""
    settings, rng = active_settings(study), np.random.default_rng(1)
    for case in study.cases.all():
        series = {one.arm.code: one for one in case.series.select_related("arm")}
        volume = VolumeOfInterest.objects.create(
            study=study, case=case, name="disc", drawn_on=series["SOC"], sha256="a" * 64, voxels=90, millilitres=1.0
        )
        shared = {"study": study, "voi": volume, "settings": settings, "image_type": "original"}
        for one in series.values():
            for name in ("Contrast", "Idm"):
                shared |= {"series": one, "feature_class": "glcm", "feature": f"glcm_{name}"}
                Feature.objects.create(**shared, value=rng.normal(100, 20))
            shared |= {"feature_class": "shape", "feature": "shape_Sphericity"}
            Feature.objects.create(**shared, status="undefined", reason="One voxel.")


def operator() -> User:
    """Who operates the site, where there is something to see: an alert, workers, records."""
    tell_obstacles(worker="one:1")
    Worker.objects.create(worker="two:2", reason="The archive seen here is not this site's.", code="b" * 40, at=ago())
    job = factories.make_job(None, function=watch.VERIFY, state="done")
    Job.objects.filter(pk=job.pk).update(result={"records": watch.verify_all()}, finished_at=timezone.now())
    watch.update_alerts()
    user = factories.make_user()
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    return user


class Site:
    """The site for one browser, without a server: pages as Django's test client got them, and static files."""

    def __init__(self, browser: Browser):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.context.add_init_script(path=AXE)
        self.context.route("**/*", lambda route: route.fulfill(status=404))
        self.context.route("**/static/**", self.send_file)
        self.context.route("http://site.test/", self.send_page)
        self.page, self.html = self.context.new_page(), ""

    def send_page(self, route: Route) -> None:
        route.fulfill(body=self.html, content_type="text/html; charset=utf-8")

    def send_file(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        found = finders.find(path.removeprefix(settings.STATIC_URL))
        route.fulfill(path=found, content_type=mimetypes.guess_type(path)[0])

    def show(self, html: str) -> None:
        self.html = html
        self.page.goto("http://site.test/")

    def breaches(self, html: str) -> list[str]:
        """What is wrong with a page."""
        self.show(html)
        return violations(self.page)


@pytest.fixture
def site(browser: Browser) -> Iterator[Site]:
    if not AXE.exists():
        pytest.skip("axe is not installed: cd frontend && npm ci")
    site = Site(browser)
    yield site
    site.context.close()


def pages_of(study: ReaderStudy, client: Client) -> Iterator[tuple[str, str]]:
    """Name and HTML of every page of a study that this person is shown, of the home page and of the password's."""
    arguments = {
        "case": [study.cases.order_by("code").last().pk],
        "name": ["resunet"],
        "number": [table.number for table in tables(study)],
        "part": ["settings", "sites", "arms", "comparisons", "criteria"],
        "line": list(study.events.filter(action="unblinded").values_list("number", flat=True)),
        "section": ["tests", "agreement", "readers", "integrity", "subgroups"],
        "to": ["open", "paused", "closed", "locked"],
    }
    paths = [("home", reverse("home")), ("password", reverse("password_change"))]
    paths.append(("replay", reverse("replay", args=[study.slug, "R1", 1])))
    for name, _, others, _ in ADDRESSES:
        if not others:
            paths.append((name, reverse(name, args=[study.slug])))
        elif len(others) == 1 and others[0] in arguments:
            paths += [(f"{name} {value}", reverse(name, args=[study.slug, value])) for value in arguments[others[0]]]
    for name, path in paths:
        if name.startswith("api_") or path.endswith(FILES):
            continue
        answer = client.get(path)
        if answer.status_code == 200 and "text/html" in answer["Content-Type"]:
            yield name, answer.content.decode()


def site_pages() -> Iterator[tuple[str, str]]:
    """Pages that are of no study: before the sign-in, and of who sees accounts and proves it."""
    boss = factories.make_user("boss")
    User.objects.filter(pk=boss.pk).update(sees_accounts=True)
    client, known = (Client(headers={"host": "localhost"}) for _ in range(2))  # where passkeys are made
    known.force_login(boss)
    known.post(reverse("prove"), {"password": "a long password"})
    link = reverse("invitation", args=[invite(user=factories.make_user("invited"))])
    for who, path in [
        (client, reverse("login")),
        (client, reverse("forgotten")),
        (client, link),
        (client, reverse("invitation", args=["over"])),
        (known, reverse("account")),
        (known, reverse("site_people")),
        (known, reverse("prove")),
        (known, reverse("mfa_add_webauthn")),
    ]:
        yield path, who.get(path).content.decode()
    yield "link", known.post(reverse("change_account", args=[boss.pk]), {"do": "link"}).content.decode()
    app = known.get(reverse("mfa_activate_totp")).content.decode()
    yield "app", app
    code = digits(re.search(r'<code class="mono wrap">(\w+)</code>', app).group(1))
    yield "recovery codes", known.post(reverse("mfa_activate_totp"), {"code": code}, follow=True).content.decode()
    yield "end the app", known.get(reverse("mfa_deactivate_totp")).content.decode()
    signed = {"username": "boss", "password": "a long password"}
    yield "code", client.post(reverse("login"), signed, follow=True).content.decode()
    known.post(reverse("lock"))
    yield "unlock", known.get(reverse("unlock")).content.decode()


def elements(html: str) -> set[str]:
    """Each kind of element below a page's header: tag and class."""
    return set(re.findall(r'<\w+(?: class="[^"]*")?', html[html.index("<main") :]))


def test_no_page_of_any_role_breaches_a_rule(site: Site, closed, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    found, looked_at = {}, {}
    for study in ReaderStudy.objects.order_by("-pk"):
        one_each: dict = {}  # the first of each role: readers of a study are alike here
        for member in study.memberships.select_related("user").order_by("pk"):
            one_each.setdefault(member.role, member)
        for member in one_each.values():
            for name, html in pages_of(study, client_of(member.user)):
                known = looked_at.setdefault(name, set())
                # Nothing else than to another person, or in another study: not looked at again.
                if not elements(html) <= known and (breaches := site.breaches(html)):
                    found[f"{name}, {member.role}, {study.title}"] = breaches
                known |= elements(html)
    assert {
        "home",
        "protocol",
        "results",
        "import_sheet",
        "imported_tables",
        "sign_reading",
        "reading",
        "display_check",
        "replay",
        "review",
    } <= looked_at.keys()
    shown = [*site_pages(), ("site", client_of(operator()).get(reverse("site")).content.decode())]
    for name, html in shown:
        if breaches := site.breaches(html):
            found[name] = breaches
    assert found == {}


def test_each_breach_that_was_there_is_seen(site: Site):
    """Links told by colour alone, headers of tables without a word, a field without a name, dim text."""
    head = '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body style="background: #111"><main>'
    for breach, rule in [
        (
            '<p style="color: #ccc">See <a href="/" style="color: #6cc3b2; text-decoration: none">this</a> here</p>',
            "link-in-text-block",
        ),
        ("<table><tr><th></th><th>Name</th></tr><tr><td>1</td><td>2</td></tr></table>", "empty-table-header"),
        ('<input class="input">', "label"),
        ('<p style="color: #666">dim</p>', "color-contrast"),
    ]:
        assert [wrong for wrong in site.breaches(head + breach) if wrong.startswith(rule)], rule


def test_sign_in_has_room_around_its_button_and_the_signature_is_a_narrow_sheet(site: Site, closed):
    html = Client().get(reverse("login")).content.decode()
    gaps = []
    for form in (html, html.replace("<button", '<input type="hidden"><button')):  # the second as it was
        site.show(form)
        field, button = (site.page.locator(what).bounding_box() for what in ("input[type=password]", "form button"))
        gaps.append(button["y"] - field["y"] - field["height"])
    assert gaps[0] >= 12 > gaps[1]
    reader = closed.memberships.filter(role="reader").first().user
    site.show(client_of(reader).get(reverse("sign_reading", args=[closed.slug])).content.decode())
    assert site.page.get_by_label("Your password").is_visible()
    assert site.page.locator("main > section").bounding_box()["width"] <= 640


PAPER = """() => {
    const shown = (of) => of.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
    const bright = (of) => getComputedStyle(of).backgroundColor.match(/\\d+/g).slice(0, 3).every((one) => one > 220);
    const wide = [...document.querySelectorAll("main :is(table, svg, p, section)")];
    return {
        light: bright(document.documentElement) && [...document.querySelectorAll(".card")].every(bright),
        cut: wide.filter((of) => shown(of) && of.getBoundingClientRect().right > innerWidth + 1)
            .map((of) => of.id || of.tagName),
        hidden: [...document.querySelectorAll("details:not(.menu) table, thead th, .sorts, div.cmp, .pub, .clu")]
            .filter((of) => !shown(of) && !of.closest("#files")).map((of) => of.id || of.textContent),
        controls: [...document.querySelectorAll("header, .btn, .switch, .menu")].filter(shown).length,
    };
}"""


def test_results_on_paper_are_light_and_whole(site: Site, closed):
    client = client_of(closed.memberships.get(role="admin").user)
    site.page.set_viewport_size({"width": 1032, "height": 700})  # A4, on its side
    site.page.emulate_media(media="print")
    for path in (reverse("results", args=[closed.slug]), reverse("results_section", args=[closed.slug, "tests"])):
        html = client.get(path).content.decode()
        site.show(html)
        assert site.page.evaluate(PAPER) == {"light": True, "cut": [], "hidden": [], "controls": 0}
    site.page.add_style_tag(content=".table{width:1500px}.sorts{display:none}html{background:#111 !important}")
    found = site.page.evaluate(PAPER)
    assert not found["light"]
    assert found["cut"]
    assert found["hidden"]
    site.page.emulate_media(media="screen")
    site.show(client.get(reverse("results", args=[closed.slug])).content.decode())
    found = site.page.evaluate(PAPER)
    assert "table-4" in found["hidden"]
    assert found["controls"]
