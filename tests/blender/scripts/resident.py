# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Blender process of its own, as tests need it: installs the zip, then does what its first argument names.

Run by `support.run_script` with the folders of Blender and of the extension in the environment.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
import time
from typing import Any

import bpy

from tests.blender.support import MODULE, REPOSITORY, ask_without_pause, pump, vertex_count


def install(package: str) -> Any:
    """Install and enable the zip, and poll fast."""
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True)
    return enabled()


def enabled() -> Any:
    tokenlab = importlib.import_module(MODULE)
    session = tokenlab.core.blender.session.current()
    session.engine.pacing = type(session.engine.pacing)(usual=0.05, slow=0.05, longest_back_off=0.2)
    ask_without_pause(session)
    return tokenlab


def say_what_is_loaded(package: str) -> None:
    """Enable the extension, and print the modules that this has loaded."""
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=False)
    known = set(sys.modules)
    bpy.ops.preferences.addon_enable(module=MODULE)
    print("LOADED", *sorted(set(sys.modules) - known))


def submit_save_and_die(package: str, blend: str) -> None:
    """Send a task, save the file once the service has accepted it, and die without any goodbye."""
    tokenlab = install(package)
    task = tokenlab.generate("a cube that survives")
    pump(tokenlab, lambda: task.task_id)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    os.kill(os.getpid(), signal.SIGKILL)


def open_and_wait(package: str, blend: str) -> None:
    """Open the file, and wait until every task of it is in the scene."""
    tokenlab = install(package)
    bpy.ops.wm.open_mainfile(filepath=blend)
    for task in tokenlab.resume_all():
        task.wait(timeout=60)
    print("vertices", vertex_count(bpy.context.scene.objects))
    print("states", sorted(task.state for task in tokenlab.tasks()))
    print("collections", len([item for item in bpy.data.collections if item.get("tokenlab_task_id")]))
    bpy.ops.preferences.addon_disable(module=MODULE)


def end_while_a_create_hangs(package: str) -> None:
    """End as a script ends, with a create request in a server that never answers."""
    _end_in(install(package), "SUBMITTING")


def end_while_a_poll_hangs(package: str) -> None:
    """End as a script ends, with a status request in a server that never answers."""
    _end_in(install(package), "PENDING")


def end_while_a_name_is_looked_up(package: str) -> None:
    """End while a name server does not answer, which nothing can cut short."""
    real = socket.getaddrinfo

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(4.0)
        return real(*arguments, **options)

    socket.getaddrinfo = slow
    tokenlab = install(package)
    task = tokenlab.generate("a cube")
    for _ in range(30):
        tokenlab.core.blender.tick.tick()
        time.sleep(0.02)
    print("ending in", task.state)


def _end_in(tokenlab: Any, state: str) -> None:
    task = tokenlab.generate("a cube")
    pump(tokenlab, lambda: task.state == state)
    for _ in range(30):  # Long enough for the request to be on its way, whatever the machine is doing.
        tokenlab.core.blender.tick.tick()
        time.sleep(0.02)
    print("ending in", task.state)


def end_idle(package: str) -> None:
    """End as a script ends, with the extension enabled and nothing going on."""
    install(package)
    print("ending idle")


def end_after_a_task(package: str) -> None:
    """End as a script ends, after a whole task."""
    tokenlab = install(package)
    tokenlab.generate("a cube").wait(timeout=60)
    print("ending after a task")


def edit_and_save(blend: str) -> None:
    """Change a file in a Blender that knows nothing of the extension."""
    bpy.ops.wm.open_mainfile(filepath=blend)
    bpy.ops.object.empty_add()
    bpy.context.object.name = "Added Elsewhere"
    bpy.ops.wm.save_mainfile()


def install_again_while_a_task_runs(package: str) -> None:
    """Install the extension over itself, as an update does."""
    task = install(package).generate("a cube")
    tokenlab = enabled()
    pump(tokenlab, lambda: task.task_id)
    before, old = task.state, tokenlab.core.blender.session
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True, overwrite=True)
    tokenlab = enabled()
    assert tokenlab.core.blender.session is not old, "the old code is still there"
    for task in tokenlab.resume_all():
        task.wait(timeout=60)
    states = [task.state for task in tokenlab.tasks()]
    count = len([item for item in bpy.data.collections if item.get("tokenlab_task_id")])
    print(f"before {before}, after {states}, {count} collection")
    bpy.ops.preferences.addon_disable(module=MODULE)


def describe(blend: str) -> None:
    """Open a file in a Blender that knows nothing of the extension, and say what is in it as JSON."""
    import json  # noqa: PLC0415

    bpy.ops.wm.open_mainfile(filepath=blend)
    scene = bpy.context.scene
    entries = [json.loads(text) for text in scene["tokenlab_tasks"].to_dict().values()]
    found = {
        "states": [entry["state"] for entry in entries],
        "task_ids": [entry["task_id"] for entry in entries],
        "collections": [
            {
                "task_id": item["tokenlab_task_id"],
                "vertices": vertex_count(item.all_objects),
                "materials": len({slot.material for one in item.all_objects for slot in one.material_slots}),
            }
            for item in bpy.data.collections
            if item.get("tokenlab_task_id")
        ],
        "images": sorted(list(image.size) for image in bpy.data.images if image.source == "FILE"),
    }
    print("FOUND " + json.dumps(found))


def export_empty(path: str) -> None:
    """Write a GLB without geometry."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.object.empty_add()
    _export(path)


def export_skinned(path: str) -> None:
    """Write a GLB with a skin, for which the importer brings a ball that it draws bones with."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.armature_add()
    armature = bpy.context.object
    cube.parent = armature
    cube.modifiers.new("Armature", "ARMATURE").object = armature
    cube.vertex_groups.new(name="Bone").add(range(8), 1.0, "ADD")
    _export(path)


def _export(path: str) -> None:
    bpy.ops.export_scene.gltf(filepath=path, export_format="GLB")
    # The bpy module 4.2 crashes at its end once its glTF exporter has run; that is why this has a process of its own.
    sys.stdout.flush()
    os._exit(0)


def render_without_the_model(blend: str, picture: str) -> None:
    """Render the file's picture once more, with the imported collection hidden."""
    bpy.ops.wm.open_mainfile(filepath=blend)
    for item in bpy.data.collections:
        item.hide_render = bool(item.get("tokenlab_task_id"))
    bpy.context.scene.render.filepath = picture
    bpy.ops.render.render(write_still=True)
    # 4.5 has been seen to hang at exit after a Cycles render in the module (bpy_facts 0.1).
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    sys.stdout.flush()
