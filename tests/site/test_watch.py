"""What operators see of the site: health, metrics, alerts, logs, the page *Site*; none of it names a person."""

import json
import logging
import re
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.conf import settings as site_settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from readerstudy.archive import last_backup
from readerstudy.home import views, watch
from readerstudy.jobs import disk, services
from readerstudy.jobs.clock import ago
from readerstudy.jobs.models import Alert, Job
from readerstudy.serving import request_times
from readerstudy.serving.logs import JSONFormatter, LineFormatter
from tests import factories
from tests.tampering import run

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def operator(study) -> Client:
    user = factories.make_user()
    user.is_superuser, user.email = True, "operator@example.org"
    user.save()
    client = Client()
    client.force_login(user)
    return client


def names() -> set[str]:
    return {trouble.name for trouble in watch.troubles()}


def test_health_is_asked_by_anybody_and_lives_without_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/healthz/live").json() == {"web": "ok"}
    assert Client().get("/healthz").json()["database"] == "ok"


def test_health_is_asked_without_tls_and_nothing_else_is(settings):
    settings.SECURE_SSL_REDIRECT = True
    asked = {path: Client().get(path).status_code for path in ("/healthz", "/healthz/live", "/healthz/x", "/login/")}
    assert asked == {"/healthz": 200, "/healthz/live": 200, "/healthz/x": 301, "/login/": 301}


# -- metrics -------------------------------------------------------------------------------------------------------


def test_metrics_are_read_by_whom_the_settings_name_and_by_nobody_else(settings, operator):
    assert operator.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a token"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer a token"}).status_code == 200
    settings.METRICS_TOKEN, settings.METRICS_FROM = "", [ip_network("127.0.0.0/8")]
    assert Client().get("/metrics").status_code == 200
    assert Client().get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    assert Client(REMOTE_ADDR="10.0.0.1").get("/metrics").status_code == 404


def test_metrics_say_how_the_site_fares_in_the_form_that_prometheus_reads(settings, study, operator):
    settings.METRICS_TOKEN = "a token"
    factories.make_job(study, function="reading.rehearse", state="failed", error="It failed.")
    Job.objects.filter(pk=factories.make_job(study, function="site.verify").pk).update(created_at=ago(hours=2))
    before = request_times.by_class()["2xx"]
    operator.get("/healthz/live")
    text = Client().get("/metrics", headers={"Authorization": "Bearer a token"}).content.decode()
    sample = re.compile(r'readerstudy_[a-z_]+(\{[a-z_]+="[^"]*"\})? -?(\d+(\.\d+)?(e[+-]?\d+)?|nan)')
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in samples if not sample.fullmatch(line)] == []
    values = dict(line.rsplit(" ", 1) for line in samples)
    assert values['readerstudy_jobs{state="failed"}'] == "1"
    assert float(values["readerstudy_oldest_waiting_job_seconds"]) > 7000
    assert int(values['readerstudy_responses_total{status="2xx"}']) > before
    assert int(values["readerstudy_request_seconds_count"]) == int(
        values['readerstudy_request_seconds_bucket{le="+Inf"}']
    )
    assert study.slug not in text


# -- alerts --------------------------------------------------------------------------------------------------------


def test_each_trouble_is_an_alert_once_told_by_mail_once_and_told_when_it_is_over(settings, study, operator):
    settings.ALERTS_TO = ["it@example.org"]
    services.tell_obstacles(worker="w:1")
    assert names() == set()
    Job.objects.filter(pk=factories.make_job(study, function="reading.rehearse").pk).update(created_at=ago(hours=2))
    for _ in range(2):
        watch.update_alerts()
    assert [alert.name for alert in Alert.objects.all()] == ["stuck jobs"]
    assert [(one.to, "waited for over 30 minutes" in one.body) for one in mail.outbox] == [(["it@example.org"], True)]
    page = operator.get("/site/").content.decode()
    assert "1 alert" in page
    assert "waited for over 30 minutes" in page
    Job.objects.all().delete()
    watch.update_alerts()
    assert not Alert.objects.exists()
    assert "over" in mail.outbox[1].subject
    assert "Nothing is the matter" in operator.get("/site/").content.decode()


def test_a_mail_that_could_not_be_sent_is_tried_again(settings, study, monkeypatch):
    settings.ALERTS_TO = ["it@example.org"]
    sent = watch.send_mail
    monkeypatch.setattr(watch, "send_mail", lambda *_: (_ for _ in ()).throw(ConnectionRefusedError()))
    watch.update_alerts()
    assert Alert.objects.get().told_at is None
    monkeypatch.setattr(watch, "send_mail", sent)
    watch.update_alerts()
    assert len(mail.outbox) == 1


def test_disk_backup_and_record_are_watched(study, monkeypatch):
    services.tell_obstacles(worker="w:1")
    monkeypatch.setattr(disk, "free", lambda: 0)
    assert names() == {"disk full"}
    monkeypatch.undo()
    factories.open_(study)
    assert names() == {"backup"}
    last_backup.note()
    assert names() == set()
    old = (timezone.now() - timedelta(days=4)).isoformat()
    (site_settings.VAR_DIR / "last-backup").write_text(old)
    assert names() == {"backup"}
    last_backup.note()
    assert watch.verify_all()[0]["problems"] == []
    run("UPDATE audit_event SET action = 'study closed' WHERE number = 1")
    Job.objects.create(
        key="v", function=watch.VERIFY, state="done", result={"records": watch.verify_all()}, finished_at=timezone.now()
    )
    assert names() == {f"verified {study.slug}"}


# -- the page ------------------------------------------------------------------------------------------------------


def test_the_page_is_for_operators_and_shows_no_data_of_a_study(study, operator, admin, reader):
    for other in (admin, reader):
        assert other.get("/site/").status_code == 404
        assert "Site</a>" not in other.get("/").content.decode()
    assert Client().get("/site/").status_code == 302
    page = operator.get("/site/").content.decode()
    assert "No worker runs" in page
    assert "S01" not in page
    assert 'href="/site/"' in operator.get("/").content.decode()


# -- logs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formatter", [JSONFormatter(), LineFormatter()])
def test_no_line_of_the_log_names_a_person_or_what_was_sent_and_each_has_its_request(
    study, settings, monkeypatch, formatter
):
    settings.ACCESS_LOG = True
    user = study.memberships.get(role="admin").user
    client = Client(raise_request_exception=False)
    client.force_login(user)
    written: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: written.append(formatter.format(record))
    logging.getLogger().addHandler(handler)

    def fail(user):
        raise ValueError(f"Jane Doe, {user.username}")

    monkeypatch.setattr(views.selectors, "readings_of", fail)
    try:
        page = client.get("/?patient=Jane+Doe")
        client.get(f"/studies/{study.slug}/material/Jane-Doe/")
    finally:
        logging.getLogger().removeHandler(handler)
    text = "\n".join(written)
    for secret in ("Jane", "Doe", user.username, study.slug):
        assert secret not in text
    assert "ValueError" in text
    number = re.search(r'class="mono">(\w+)<', page.content.decode())[1]
    assert text.count(number) >= 2  # the error, and the line of the access log
    if isinstance(formatter, JSONFormatter):
        lines = [json.loads(line) for line in written]
        assert {"status": 500, "route": "/", "method": "GET"}.items() <= lines[1].items()
