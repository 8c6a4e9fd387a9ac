# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our line in a file that Blender and the user write too: added, and nothing else is changed."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.files.asset_catalog import CATALOG_ID, FILE_NAME, UnreadableCatalogs, add_to

OURS = f"{CATALOG_ID}:TokenLab 3D:TokenLab 3D"
FOREIGN = "5a7c1f4e-0000-4000-8000-000000000001:Props/Chairs:Props-Chairs"


def test_a_new_file_says_its_version_before_our_line(tmp_path: Path) -> None:
    add_to(tmp_path)
    lines = [line for line in (tmp_path / FILE_NAME).read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["VERSION 1", OURS]
    assert os.listdir(tmp_path) == [FILE_NAME]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"VERSION 1\n\n{FOREIGN}\n", f"VERSION 1\n\n{FOREIGN}\n{OURS}\n"),
        (f"# mine\nVERSION 1\n{FOREIGN}", f"# mine\nVERSION 1\n{FOREIGN}\n{OURS}\n"),
        (f"VERSION 1\r\n{FOREIGN}\r\n", f"VERSION 1\r\n{FOREIGN}\r\n{OURS}\r\n"),
        ("VERSION 1", f"VERSION 1\n{OURS}\n"),
    ],
    ids=["as Blender writes it", "without a last line end", "of Windows", "of no catalog"],
)
def test_the_lines_of_others_stay_as_they_are(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(before.encode())
    add_to(tmp_path)
    assert path.read_bytes() == after.encode()


@pytest.mark.parametrize("line", [OURS, f"{CATALOG_ID.upper()}:My Things/Generated:Generated", f"  {OURS}"])
def test_a_catalog_that_is_there_stays_where_the_user_has_put_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(f"VERSION 1\n{line}\n")
    add_to(tmp_path)
    add_to(tmp_path)
    assert path.read_text() == f"VERSION 1\n{line}\n"


@pytest.mark.parametrize("data", [b"", b"VERSION 2\n", b"\xff\xfe\x00", FOREIGN.encode(), b"VERSION 1\n\xff"])
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(data)
    with pytest.raises(UnreadableCatalogs, match="was left as it is"):
        add_to(tmp_path)
    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == [FILE_NAME]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from("abV1:/# \n\r"), max_size=40))
def test_whatever_the_file_holds_is_still_there_afterwards(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE_NAME
    before = f"VERSION 1\n{text}".encode()
    path.write_bytes(before)
    add_to(tmp_path)
    after = path.read_bytes()
    assert after.startswith(before)
    assert after[len(before) :].strip().decode() in ("", OURS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights, and links need some")
def test_a_file_that_is_shared_stays_shared(tmp_path: Path) -> None:
    real, library = tmp_path / "shared.txt", tmp_path / "library"
    library.mkdir()
    real.write_text("VERSION 1\n")
    real.chmod(0o664)
    (library / FILE_NAME).symlink_to(real)
    add_to(library)
    assert (library / FILE_NAME).is_symlink()
    assert OURS in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o664
