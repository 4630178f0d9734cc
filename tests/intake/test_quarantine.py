"""What may identify rests encrypted, and only there."""

import pytest

from processing.errors import InputError
from readerstudy.intake import quarantine

SALT = "00" * 16


def seal(tmp_path, content: bytes, name: str = "DOE^JANE.dcm"):
    writer = quarantine.QuarantineWriter(tmp_path, SALT, name)
    writer.write(content)
    writer.close()
    return writer.path


def test_a_sealed_file_comes_back_whole_and_shows_nothing(tmp_path):
    content = b"Jane Doe 1970-01-01" * 100_000
    path = seal(tmp_path, content)
    assert b"Jane" not in path.read_bytes()
    assert "DOE" not in path.name
    assert quarantine.unseal(path, SALT, tmp_path / "plain") == "DOE^JANE.dcm"
    assert (tmp_path / "plain").read_bytes() == content


def test_without_its_salt_nobody_reads_it(tmp_path):
    path = seal(tmp_path, b"secret")
    with pytest.raises(InputError, match="damaged"):
        quarantine.unseal(path, "11" * 16, tmp_path / "plain")


def test_a_file_cut_short_is_noticed(tmp_path):
    path = seal(tmp_path, b"x" * 3_000_000)
    path.write_bytes(path.read_bytes()[:1_500_000])
    with pytest.raises(InputError, match=r"damaged|cut short"):
        quarantine.unseal(path, SALT, tmp_path / "plain")


def test_a_discarded_file_leaves_nothing(tmp_path):
    writer = quarantine.QuarantineWriter(tmp_path, SALT, "a")
    writer.write(b"half")
    writer.discard()
    assert list(tmp_path.iterdir()) == []
