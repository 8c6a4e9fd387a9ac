# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The extension installed from a static repository, by its address, in a real window."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS
from tests.gui.window import PICTURES, Window
from tests.release import repository
from tests.simulator.process import SimulatorProcess

ADD = """
bpy.context.preferences.system.use_online_access = True
repos = bpy.context.preferences.extensions.repos
index = next(i for i, repo in enumerate(repos) if repo.module == 'user_default')
bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id='tokenlab_3d')
bpy.ops.preferences.extension_repo_add(name='Published', type='REMOTE', remote_url=URL)
"""
INSTALL = """
index = next(i for i, repo in enumerate(repos) if repo.name == 'Published')
bpy.ops.extensions.repo_sync(repo_index=index)
bpy.ops.extensions.package_install(repo_index=index, pkg_id='tokenlab_3d', enable_on_install=True)
"""
MODULE = "next((name for name in bpy.context.preferences.addons.keys() if name.endswith('.tokenlab_3d')), '')"


@pytest.fixture
def address(extension_zip: Path, tmp_path: Path) -> Iterator[str]:
    """The repository, as any server of files has it."""
    index = repository(extension_zip, tmp_path / "repository")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(index.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.json"
        server.shutdown()
        thread.join()


def test_it_is_installed_by_the_address_of_a_repository_and_works(
    window: Window, simulator: SimulatorProcess, address: str
) -> None:
    window.run(f"URL = {address!r}\n{ADD}")
    window.wait(f"{MODULE} == ''")
    window.run(INSTALL)
    window.wait(f"{MODULE} != ''", ARRIVAL_SECONDS)
    assert window.run(MODULE) == "bl_ext.Published.tokenlab_3d"
    window.open_sidebar("TokenLab")
    window.fill("tokenlab.prompt", "a published robot")
    window.click("bpy.ops.tokenlab.generate")
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    window.screenshot(PICTURES / "repository.png")
    assert len(simulator.creates()) == 1
