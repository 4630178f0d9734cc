"""Static files are collected when something changed, and only then."""

from pathlib import Path

import pytest

from readerstudy.serving import static_files


@pytest.fixture
def source(settings, tmp_path: Path) -> Path:
    """The only static file of a site."""
    (tmp_path / "source").mkdir()
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
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


@pytest.mark.parametrize("gone", ["page.*.css", "staticfiles.json", static_files.STAMP])
def test_what_is_gone_or_was_broken_off_is_collected_again(settings, source: Path, gone: str) -> None:
    static_files.collect()
    for path in settings.STATIC_ROOT.glob(gone):
        path.unlink()
    assert static_files.collect()
    assert collected(settings.STATIC_ROOT) == [source.read_text()]
