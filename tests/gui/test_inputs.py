# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to generate from, in a real window: a prompt of two lines, an earlier one, a dropped file, the 3D View."""

from __future__ import annotations

import time

import pytest

from tests.gui.window import PICTURES, VERSION, Point, Window, WindowError
from tests.simulator.process import SimulatorProcess
from tests.tiny_pictures import png

FORM = "bpy.context.scene.tokenlab"
PROMPT = f"{FORM}.prompt"
EXTENSION = "__import__('sys').modules['bl_ext.user_default.tokenlab_3d']"
TASKS = "bpy.context.window_manager.tokenlab.tasks"
UNTOUCHED = """(lambda r: [
    r.filepath, r.resolution_x, r.resolution_y, r.engine, r.image_settings.file_format,
    [area.ui_type for area in window().screen.areas], viewport().spaces.active.overlay.show_overlays,
])(bpy.context.scene.render)"""
"""What taking and pasting pictures leaves as it is."""
INPUT = f"(lambda f: [f.input_type, f.image and f.image.name])({FORM})"
ARRIVAL_SECONDS = 30.0


def at(place: Point) -> str:
    return f"{place[0]}, {place[1]}"


def form_with_known_model(window: Window) -> dict[str, Point]:
    """Open the sidebar and return where its buttons are, once the model is known and nothing moves any more."""
    window.open_sidebar("TokenLab")
    window.wait(f"len({EXTENSION}.core.blender.models.shown().catalogue.details) == 1")
    window.settle()
    names = ("tokenlab.prompt", "tokenlab.generate()", "tokenlab.use_viewport()")
    return {end: place for name, place in window.buttons().items() for end in names if name.endswith(end)}


def created(window: Window, simulator: SimulatorProcess, count: int) -> list[dict[str, object]]:
    """The requests that the service got, once there are so many."""
    until = time.monotonic() + ARRIVAL_SECONDS
    while len(simulator.creates()) < count:
        if time.monotonic() > until:
            raise WindowError(f"the service got {len(simulator.creates())} requests")
        window.settle()
    return [task["request"] for task in simulator.creates()]


@pytest.mark.skipif(VERSION != "5.2", reason="This Blender has no field of several lines.")
def test_a_prompt_of_two_lines_is_typed_sent_and_found_again(window: Window, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=1000.0)
    places = form_with_known_model(window)
    field = places["tokenlab.prompt"]
    window.click(field)
    window.run(f"type_text('a small', {at(field)})")
    window.run(f"tap('RET', {at(field)}, shift=True)")
    window.run(f"type_text('red house', {at(field)})")
    window.settle(5)
    window.screenshot(PICTURES / "two_lines.png")
    window.run(f"tap('RET', {at(field)})")
    window.wait(f"{PROMPT} == 'a small\\nred house'")
    window.click(places["tokenlab.generate()"])
    window.wait(f"len({TASKS}) == 1")
    window.run(f"{EXTENSION}.generate('a yellow submarine')")
    prompts = {request["prompt"] for request in created(window, simulator, 2)}
    assert prompts == {"a small\nred house", "a yellow submarine"}

    window.run(f"{PROMPT} = 'something else'; bpy.ops.ed.undo_push()")
    # At the right of the field, the upper one of two.
    button = (window.run("int(sidebar().x + sidebar().width - 48)"), field[1] + 12)
    window.click(button)
    window.settle(5)
    window.run(f"type_text('house', {at(button)})")
    window.settle(5)
    window.screenshot(PICTURES / "earlier_prompts.png")
    window.run(f"tap('RET', {at(button)})")
    window.wait(f"{PROMPT} == 'a small\\nred house'")
    window.key("Z", ctrl=True)
    window.wait(f"{PROMPT} == 'something else'")
    assert window.run(f"len({TASKS})") == 2

    window.run("bpy.data.texts.new('Robot').write('A robot with many parts:\\n- two arms\\n- a head of brass')")
    window.run(f"{FORM}.prompt_text = bpy.data.texts['Robot']; viewport().tag_redraw()")
    window.settle(5)
    window.screenshot(PICTURES / "prompt_text.png")


def test_the_3d_view_becomes_the_picture_that_is_sent(window: Window, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=1000.0)
    cat = window.folder / "cat.png"
    cat.write_bytes(png(64, 48))
    # What Blender does with a file that is dropped on the view; a real drop cannot be simulated.
    window.run(
        "with bpy.context.temp_override(window=window(), area=viewport()):\n"
        "    is_offered = bpy.types.TOKENLAB_FH_image.poll_drop(bpy.context)\n"
        f"    bpy.ops.tokenlab.use_image_file('INVOKE_DEFAULT', True, filepath={str(cat)!r})"
    )
    assert window.run("is_offered") is True
    assert window.run(f"[{FORM}.input_type, {FORM}.image_path]") == ["IMAGE_FILE", str(cat)]
    places = form_with_known_model(window)
    window.screenshot(PICTURES / "image_file.png")
    before = window.run(UNTOUCHED)

    _paste_nothing(window, places["tokenlab.use_viewport()"])
    assert window.run(INPUT) == ["IMAGE_FILE", None]
    assert window.run(UNTOUCHED) == before

    window.run("view_selected()")
    window.click(places["tokenlab.use_viewport()"])
    window.wait(f"{FORM}.input_type == 'IMAGE_DATABLOCK'", ARRIVAL_SECONDS)
    assert window.run(INPUT) == ["IMAGE_DATABLOCK", "TokenLab Viewport"]
    assert window.run(UNTOUCHED) == before
    window.run("move(300, 300)")
    window.settle(40)
    window.screenshot(PICTURES / "use_viewport.png")

    window.key("Z", ctrl=True)
    window.wait(f"{INPUT} == ['IMAGE_FILE', None]")
    window.key("Z", ctrl=True, shift=True)
    window.wait(f"{INPUT} == ['IMAGE_DATABLOCK', 'TokenLab Viewport']")

    window.run(f"{PROMPT} = 'a box'; bpy.ops.tokenlab.generate('INVOKE_DEFAULT')")
    (request,) = created(window, simulator, 1)
    assert isinstance(request["image"], dict) and request["image"]["type"] == "image/png"
    window.run(
        f"sent = bpy.data.images.load({EXTENSION}.core.blender.session.current().engine.records.all()[0].picture_path)"
    )
    (PICTURES / "viewport_picture.png").write_bytes(_read(window))
    width, height = window.run("list(sent.size)")
    assert max(width, height) == 1024
    corner, middle = window.run(
        f"pixels = sent.pixels[:]; place = 4 * ({width} * ({height} // 2) + {width} // 2)\n"
        "[list(pixels[:4]), list(pixels[place:place + 4])]"
    )
    behind = window.run("bpy.context.preferences.themes[0].view_3d.space.gradients.high_gradient[0]")
    assert abs(corner[0] - behind) < 0.02 and corner[3] == 1.0, "neither darker nor brighter than on the screen"
    assert middle[0] > corner[0] + 0.1, "the cube is in it, and nothing is drawn over it"


def _paste_nothing(window: Window, use_viewport: Point) -> None:
    """Paste from a clipboard without a picture, as under Wayland: under X11 there is no such button."""
    window.run("import os; os.environ['WAYLAND_DISPLAY'] = 'none'; viewport().tag_redraw()")
    window.settle()
    window.click((window.run("int(sidebar().x + sidebar().width - 80)"), use_viewport[1]))
    window.settle(5)
    window.screenshot(PICTURES / "nothing_to_paste.png")
    window.run("del os.environ['WAYLAND_DISPLAY']; viewport().tag_redraw()")
    window.key("ESC")


def _read(window: Window) -> bytes:
    with open(window.run("sent.filepath"), "rb") as file:
        return file.read()
