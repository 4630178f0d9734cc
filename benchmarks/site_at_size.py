"""A site with a thousand studies, five million ratings and a hundred thousand jobs: what its pages and migrations cost.

    python -m benchmarks.site_at_size [--share 0.1]

On a scratch PostgreSQL, filled by this command; share: of those numbers. Ten studies have ratings, nine of them as
copies of the one that is visited, whose results are made first. Every page that an admin sees of that study, and of the
site: processor time of the process that answers, at most 300 ms, and queries, at most 30. Then the last migration of
each app is undone and done again, where it can be, and timed. Exit status 1 above a limit.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from tests.postgresql import postgresql

if TYPE_CHECKING:
    from readerstudy.protocol.models import ReaderStudy

STUDIES, RATINGS, JOBS = 1_000, 5_000_000, 100_000
MOST_SECONDS, MOST_QUERIES = 0.3, 30
CHUNK = 5_000
# Files that are written from whole tables while they are sent, and what is asked for by programs.
NO_PAGE = re.compile(r"\.(csv|json|zip|xlsx|yaml|xml)$|/tables/|/export|^/api/|^/healthz|^/metrics|/dicomweb/")


def main() -> None:
    """Fill, visit, migrate, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--share", type=float, default=1.0)
    options = parser.parse_args()
    with postgresql() as url, tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATABASE_URL": url, "READERSTUDY_VAR": folder, "READERSTUDY_DEMO": "0"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "readerstudy.settings"
        import django

        django.setup()
        slug = fill(options.share)
        held = visit(slug)
        migrate()
    sys.exit(not held)


def fill(share: float) -> str:
    """The site; returns the address of one of the ten studies that have all its ratings."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from benchmarks import export_million
    from readerstudy.archive import store_mark
    from readerstudy.jobs import services
    from readerstudy.jobs.models import Job
    from readerstudy.jobs.tasks import run_job
    from readerstudy.protocol.models import ReaderStudy
    from readerstudy.protocol.services import create_study
    from readerstudy.results.services import request_results, results_key

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nobody signs in by one
    services.send = lambda job_id: None  # no queue here
    started = time.monotonic()
    criteria = 8
    ratings = round(share * RATINGS / 10) // (criteria * export_million.READERS) * criteria * export_million.READERS
    ratings = max(ratings, criteria * export_million.READERS)
    call_command("migrate", verbosity=0)
    store_mark.mark_new_store()
    large = export_million.fill(ratings, of="first-")
    large.refresh_from_db()
    owner = large.memberships.filter(role="admin").first().user
    for number in range(9):
        _copy(large, number)
    for number in range(round(share * STUDIES) - 10):
        create_study(title=f"Study {number}", user=owner, model_name="resunet")
    studies = list(ReaderStudy.objects.values_list("pk", flat=True))
    jobs = round(share * JOBS)
    cases, arms = list(large.cases.values_list("pk", flat=True)), list(large.arms.values_list("pk", flat=True))
    for start in range(0, jobs, CHUNK):
        Job.objects.bulk_create(
            Job(
                key=f"{number:064x}",
                study_id=large.pk if number % 2 else studies[number % len(studies)],
                function=("results.compare", "reading.prepare", "material.enhance")[number % 3],
                label=f"case {number // 3}",
                parameters={"case": cases[number % len(cases)], "arm": arms[number % len(arms)]},
                state=("done", "done", "done", "waiting")[number % 4],
            )
            for number in range(start, min(start + CHUNK, jobs))
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    call_command("collectstatic", verbosity=0, interactive=False)
    taken, begun = time.monotonic() - started, time.monotonic()
    print(f"{len(studies):,} studies, {10 * ratings:,} ratings in ten, {jobs:,} jobs: {taken:.0f} s", flush=True)
    job = request_results(large, results_key(large))
    run_job(job.pk)
    job.refresh_from_db()
    print(f"results of one of the ten: {job.state} after {time.monotonic() - begun:.0f} s", flush=True)
    return large.slug


# A row of one study in another one: case and reader have the same code there, criterion and comparison the same place.
OF_CASE = "JOIN material_case c0 ON c0.id = {case} JOIN material_case c ON c.study_id = %(new)s AND c.code = c0.code"
OF_READER = """JOIN accounts_membership r0 ON r0.id = p.reader_id
    JOIN accounts_membership r ON r.study_id = %(new)s AND r.code = r0.code"""
OF_PLACE = """JOIN {table} {name}0 ON {name}0.id = a.{name}_id
    JOIN {table} {name} ON {name}.study_id = %(new)s AND {name}.place = {name}0.place"""
OF_PAIR = f"""JOIN reading_presentation p ON p.id = a.presentation_id AND p.study_id = %(old)s {OF_READER}
    JOIN reading_presentation q ON q.reader_id = r.id AND q.position = p.position"""


def _copy(large: ReaderStudy, number: int) -> None:
    """Another study with as many answers: the same rows, whose chains are not its own. Nobody visits it."""
    from django.db import connection

    from readerstudy.accounts.services import add_member
    from readerstudy.material.models import Case, Subject
    from readerstudy.protocol.services import create_study
    from readerstudy.reading.models import ActiveTime, AnswerHead, Presentation, Rating
    from tests import factories

    study = create_study(title="Million", user=factories.make_user(f"{number}-admin", staff=True), model_name="resunet")
    for reader in range(large.memberships.filter(role="reader").count()):
        add_member(study=study, user=factories.make_user(f"{number}-reader-{reader}"), role="reader")
    criterion = OF_PLACE.format(table="protocol_criterion", name="criterion")
    comparison = OF_PLACE.format(table="protocol_comparison", name="comparison")
    of_reader = OF_READER.replace("p.reader_id", "a.reader_id")
    pair = {"presentation_id": "q.id"}
    copies: list[tuple] = [
        (Subject, {"site_id": str(study.sites.get().pk)}, "", "a.study_id = %(old)s"),
        (Case, {"subject_id": "s.id"}, "JOIN material_subject s0 ON s0.id = a.subject_id JOIN material_subject s "
         "ON s.study_id = %(new)s AND s.code = s0.code", "a.study_id = %(old)s"),
        (Presentation, {"reader_id": "r.id", "case_id": "c.id", "comparison_id": "comparison.id",
                        "token": "replace(gen_random_uuid()::text, '-', '')"},
         f"{of_reader} {OF_CASE.format(case='a.case_id')} {comparison}", "a.study_id = %(old)s"),
        (Rating, {**pair, "criterion_id": "criterion.id"}, f"{OF_PAIR} {criterion}", "TRUE"),
        (ActiveTime, pair, OF_PAIR, "TRUE"),
        (AnswerHead, pair, OF_PAIR, "TRUE"),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        for model, others, joined, which in copies:
            names = [one.column for one in model._meta.concrete_fields if not one.primary_key]
            said = [others.get(one, "%(new)s" if one == "study_id" else f"a.{one}") for one in names]
            cursor.execute(
                f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) "
                f"SELECT {', '.join(said)} FROM {model._meta.db_table} a {joined} WHERE {which}",
                {"new": study.pk, "old": large.pk},
            )
    said = {name: getattr(large, name) for name in ("state", "opened_at", "closed_at", "schedule_sha256")}
    type(large).objects.filter(pk=study.pk).update(**said)
    factories.log_as_is(study)


def visit(slug: str) -> bool:
    """Every page as an admin sees it; whether all are within the limits."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from readerstudy.protocol.models import ReaderStudy
    from tests.pages import addresses

    client = Client(HTTP_HOST="localhost", raise_request_exception=False)
    logging.disable(logging.WARNING)  # addresses that take no GET
    admin = ReaderStudy.objects.get(slug=slug).memberships.filter(role="admin").first().user
    client.force_login(admin, backend="readerstudy.accounts.backends.AccountBackend")
    found, failed = [], []
    for address in addresses(slug):
        if NO_PAGE.search(address):
            continue
        client.get(address)  # what is kept of it is made
        with CaptureQueriesContext(connection) as queries:
            started = time.process_time()
            answer = client.get(address)
            taken = time.process_time() - started
        if answer.status_code >= 500:
            failed.append(address)
        if answer.status_code == 200 and not answer.streaming:
            found.append((taken, len(queries), address))
    over = [one for one in found if one[0] > MOST_SECONDS or one[1] > MOST_QUERIES]
    for taken, count, address in sorted(over or found, reverse=True)[:20]:
        print(f"{1000 * taken:5.0f} ms of processor, {count:3} queries  {address}", flush=True)
    print(f"{len(found)} pages, {len(over)} above {1000 * MOST_SECONDS:.0f} ms or {MOST_QUERIES} queries")
    for address in failed:
        print(f"FAILED  {address}", flush=True)
    return not over and not failed


def migrate() -> None:
    """Undo and do again the last migration of each app of the site."""
    from django.apps import apps
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    for config in apps.get_app_configs():
        names = sorted(name for app, name in loader.graph.nodes if app == config.label)
        if not config.name.startswith("readerstudy.") or len(names) < 2:
            continue
        try:
            call_command("migrate", config.label, names[-2], verbosity=0)
        except Exception as error:
            print(f"{config.label} {names[-1]}: not undone ({type(error).__name__})", flush=True)
            call_command("migrate", verbosity=0)
            continue
        started = time.monotonic()
        call_command("migrate", verbosity=0)
        print(f"{config.label} {names[-1]}: {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
