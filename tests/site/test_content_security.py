"""Pages hold to the content security policy: nothing inline, nothing from elsewhere."""

import re
from pathlib import Path

import pytest
from django.test import Client

from tests import factories

TEMPLATES = sorted((Path(__file__).parents[2] / "templates").rglob("*.html"))
INLINE = re.compile(
    r"""<style|\sstyle=|\son[a-z]+=["']|=["']javascript:|<script(?![^>]*\bsrc=)(?![^>]*application/json)""", re.I
)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(TEMPLATES[0].parents[1])))
def test_no_template_has_inline_script_or_style(template):
    found = INLINE.search(template.read_text())
    assert found is None, found.group(0)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(TEMPLATES[0].parents[1])))
def test_no_template_loads_anything_from_elsewhere(template):
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", template.read_text())


@pytest.mark.django_db
def test_every_page_of_an_admin_is_served_with_the_policy_and_without_inline_parts(sign_in):
    study = factories.make_study(subjects=2, readers=1)
    client = sign_in(study.memberships.get(role="admin").user)
    pages = ["", "protocol/", "people/", "material/", "material/?view=table", "jobs/", "reading/", "log/"]
    pages += ["models/", "models/denoise/", "models/denoise/before-after/"]
    pages += [f"protocol/{part}/" for part in ("study", "arms", "comparisons", "criteria", "questions", "schedule")]
    for path in ["/", "/new/", "/password/", *(f"/studies/{study.slug}/{page}" for page in pages)]:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "script-src 'self'" in answer["Content-Security-Policy"], path
        assert INLINE.search(answer.content.decode()) is None, path


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/nothing/here/", "/studies/none/"])
def test_a_missing_page_is_friendly(path):
    answer = Client().get(path, follow=True)
    assert answer.status_code in (200, 404)  # 200: sign in first
    assert "Reader study" in answer.content.decode()
