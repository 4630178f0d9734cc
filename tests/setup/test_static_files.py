"""Static files are collected when something changed, and only then."""

from pathlib import Path

import pytest

from readerstudy.serving import static_files

HASHED = "static/page.????????????"


@pytest.fixture
def source(settings, tmp_path: Path) -> Path:
    """The only static file of a site."""
    (tmp_path / "source").mkdir()
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    settings.VAR_DIR = tmp_path
    served = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": served}
    file = tmp_path / "source" / "page.css"
    file.write_text("body { color: black }\n" * 50)
    return file


def collected(root: Path) -> list[str]:
    return [path.read_text() for path in root.glob("page.*.css")]


def test_they_are_collected_once(settings, source: Path) -> None:
    assert static_files.collect()
    assert collected(settings.STATIC_ROOT) == [source.read_text()]
    assert not static_files.collect()


def test_what_changed_is_collected_though_its_size_did_not(settings, source: Path) -> None:
    static_files.collect()
    source.write_text(source.read_text().replace("black", "white"))
    assert static_files.collect()
    assert source.read_text() in collected(settings.STATIC_ROOT)


@pytest.mark.parametrize("gone", [f"{HASHED}.css", f"{HASHED}.css.gz", "static/staticfiles.json", static_files.RECORD])
def test_what_is_gone_or_was_broken_off_is_collected_again(settings, source: Path, gone: str) -> None:
    static_files.collect()
    (path,) = settings.VAR_DIR.glob(gone)
    path.unlink()
    assert static_files.collect()
    assert path.exists()
    assert collected(settings.STATIC_ROOT) == [source.read_text()]


@pytest.mark.parametrize("kind", ["css", "css.gz"])
@pytest.mark.parametrize("content", [b"", b"body { color: red }"])
def test_what_was_cut_short_or_changed_is_as_it_was(settings, source: Path, kind: str, content: bytes) -> None:
    static_files.collect()
    (path,) = settings.VAR_DIR.glob(f"{HASHED}.{kind}")
    before = path.read_bytes()
    path.write_bytes(content)
    assert static_files.collect()
    assert path.read_bytes() == before


def test_nothing_but_static_files_lies_among_them(settings, source: Path) -> None:
    static_files.collect()
    names = [path.name for path in settings.STATIC_ROOT.iterdir()]
    assert all(name.startswith(("page.", "staticfiles.json")) for name in names)
