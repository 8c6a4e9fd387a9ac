# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prompt: of many lines, out of a text of the file, and out of earlier tasks."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import draw
from tests.blender.support import pump
from tests.blender.test_models import choose, form, sidebar
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import png

LINES = "A robot\n- two arms\n- a head of brass"


def text(body: str = LINES, name: str = "Robot") -> Any:
    block = bpy.data.texts.new(name)
    block.write(f"\n{body}\n\n")
    return block


def sent(extension: ModuleType, simulator: SimulatorProcess, count: int = 1) -> list[str]:
    """The prompts that the service got, once there are so many."""
    pump(extension, lambda: len(simulator.creates()) >= count)
    return [task["request"]["prompt"] for task in simulator.creates()]


def test_a_text_is_sent_whole_from_the_form_an_operator_and_a_script(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    form().prompt_text = text()
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    form().prompt_text = None
    form().prompt = "something else"
    assert bpy.ops.tokenlab.generate(prompt_text="Robot", confirm_duplicate=True) == {"FINISHED"}
    extension.generate(bpy.data.texts["Robot"], confirm_duplicate=True)
    assert sent(extension, simulator, 3) == [LINES] * 3
    assert len(simulator.creates()) == 3
    assert {row.prompt for row in bpy.context.window_manager.tokenlab.tasks} == {"A robot - two arms - a head of brass"}


def test_what_was_set_last_is_the_prompt(extension: ModuleType, simulator: SimulatorProcess) -> None:
    form().prompt_text = text()
    form().prompt = "a script's prompt"
    assert form().prompt_text is None
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    form().prompt_text = bpy.data.texts["Robot"]
    assert bpy.ops.tokenlab.generate(prompt="a given prompt") == {"FINISHED"}
    assert form().prompt_text == bpy.data.texts["Robot"], "a prompt that was given leaves the form alone"
    assert sorted(sent(extension, simulator, 2)) == ["a given prompt", "a script's prompt"]


def test_a_prompt_that_is_given_goes_with_the_picture_of_the_form(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "vase.png").write_bytes(png(8, 8))
    form().input_type, form().image_path = "IMAGE_FILE", str(tmp_path / "vase.png")
    text()
    assert bpy.ops.tokenlab.generate(prompt="a red vase") == {"FINISHED"}
    assert bpy.ops.tokenlab.generate(prompt_text="Robot") == {"FINISHED"}
    assert bpy.ops.tokenlab.generate(prompt="a blue vase", input_type="TEXT") == {"FINISHED"}
    sent(extension, simulator, 3)
    pictures = {task["request"]["prompt"]: "image" in task["request"] for task in simulator.creates()}
    assert pictures == {"a red vase": True, LINES: True, "a blue vase": False}


def test_an_empty_text_is_still_the_prompt_after_a_picture_was_sent_without_one(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "vase.png").write_bytes(png(8, 8))
    form().input_type, form().image_path = "IMAGE_FILE", str(tmp_path / "vase.png")
    form().prompt_text = bpy.data.texts.new("Robot")
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    assert form().prompt_text == bpy.data.texts["Robot"]
    form().prompt_text.write(LINES)
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    default = extension.core.service.contract.DEFAULT_IMAGE_PROMPT
    assert sorted(sent(extension, simulator, 2)) == sorted([default, LINES])


def test_an_empty_prompt_is_not_filled_in_for_what_was_not_sent(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    form().input_type, form().image_path = "IMAGE_FILE", str(tmp_path / "gone.png")
    with pytest.raises(RuntimeError, match=r"gone\.png is not there"):
        bpy.ops.tokenlab.generate()
    assert form().prompt == "" and not simulator.creates()


def test_a_text_that_is_deleted_leaves_the_prompt_of_the_field(extension: ModuleType) -> None:
    form().prompt = "a vase"
    form().prompt_text = text()
    bpy.data.texts.remove(bpy.data.texts["Robot"])
    assert extension.core.blender.prompts.of_form(form()) == "a vase"


def test_the_counter_counts_what_is_sent_and_the_panel_shows_how_a_text_begins(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    choose(extension, "tripo-h3.1", prompt="  a vase \n")
    assert "6 of 1024 characters" in sidebar(extension).texts
    form().prompt_text = text("A robot\n" + 1200 * "x")
    drawn = sidebar(extension)
    assert "1208 of 1024 characters" in drawn.texts
    assert "A robot xxx" in drawn.text
    assert "prompt" not in drawn.properties
    assert "prompt_text" in drawn.properties
    assert "tokenlab.generate" in drawn.disabled, "the model takes no prompt of that length"
    form().prompt_text, form().input_type = text("", "Empty"), "IMAGE_FILE"
    drawn = sidebar(extension)
    assert "The text is empty." in drawn.text
    default = extension.core.service.contract.DEFAULT_IMAGE_PROMPT
    assert f"{len(default)} of 1024 characters" in drawn.texts


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prompt_text": "Nowhere"}, "no text “Nowhere” in this file"),
        ({"prompt_text": "Robot", "prompt": "a vase"}, "There are two prompts"),
        ({"prompt_text": "Long"}, "20,008 characters, and at most 20,000 are sent"),
        ({"prompt_text": "Empty"}, "The prompt is empty"),
    ],
)
def test_a_text_that_cannot_be_the_prompt_is_refused_and_nothing_is_sent(
    extension: ModuleType, simulator: SimulatorProcess, arguments: dict[str, str], words: str
) -> None:
    text()
    text("A robot\n" + 20_000 * "x", "Long")
    text("", "Empty")
    with pytest.raises(RuntimeError, match=rf"{words}.*Nothing was sent"):
        bpy.ops.tokenlab.generate(**arguments)
    assert simulator.journal()["requests"] == []


def test_an_earlier_prompt_is_searched_for_and_fills_the_field(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    assert not bpy.ops.tokenlab.use_prompt.poll()
    with pytest.raises(RuntimeError, match="There is no earlier prompt yet"):
        bpy.ops.tokenlab.use_prompt()
    tasks = [extension.generate(prompt, confirm_duplicate=True) for prompt in ("a vase", LINES, "a vase")]
    found = extension.operators.prompts._earlier(None, None)
    assert [(local_id, line) for local_id, line, _whole in found] == [
        (tasks[2].local_id, "a vase"),
        (tasks[1].local_id, "A robot - two arms - a head of brass"),
    ]
    form().prompt_text = text("another")
    assert bpy.ops.tokenlab.use_prompt(task=tasks[1].local_id) == {"FINISHED"}
    assert form().prompt == LINES
    assert form().prompt_text is None
    assert bpy.ops.tokenlab.use_prompt() == {"FINISHED"}
    assert form().prompt == "a vase", "the newest, when none is named"


def test_the_field_has_many_lines_where_blender_has_such_a_field(extension: ModuleType) -> None:
    drawn = draw(extension.panels.sidebar.TOKENLAB_PT_generate)
    assert drawn.properties.count("prompt") == 1
    has_lines = "textbox" in bpy.types.UILayout.bl_rna.functions
    assert has_lines == (bpy.app.version >= (5, 2))
    popover = draw(extension.panels.prompt.TOKENLAB_PT_prompt_text)
    assert popover.properties == ["prompt_text"]
