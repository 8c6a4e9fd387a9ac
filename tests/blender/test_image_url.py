# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture behind a URL: what is wrong with it is said before anything is sent, a doubt is said and sent."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.simulator.process import SimulatorProcess


def posts(simulator: SimulatorProcess) -> list[dict[str, Any]]:
    return [entry for entry in simulator.requests() if entry["method"] == "POST"]


def only_task(extension: ModuleType) -> Any:
    (task,) = extension.tasks()
    return task


def row(task: Any) -> Any:
    rows = bpy.context.window_manager.tokenlab.tasks
    return rows[rows.find(task.local_id)]


def entry(task: Any) -> Any:
    return json.loads(bpy.context.scene["tokenlab_tasks"][task.local_id])


def test_a_picture_behind_a_url_becomes_a_model(extension: ModuleType, simulator: SimulatorProcess) -> None:
    url = simulator.picture_url
    assert bpy.ops.tokenlab.generate(prompt="a vase", image_url=url) == {"FINISHED"}
    task = only_task(extension)
    assert task.wait(timeout=60)
    assert (task.state, row(task).note, entry(task)["note"]) == ("IMPORTED", "", "")
    assert simulator.creates()[0]["request"]["image_url"] == url
    looks = [item for item in simulator.requests("assets") if item["path"].startswith("/pictures/")]
    assert [item["headers"]["Range"] for item in looks] == ["bytes=0-0"]
    assert simulator.key not in json.dumps(looks)


def test_two_pictures_at_once_are_refused_before_anything_is_sent(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    with pytest.raises(extension.TokenLabError, match="Give only one"):
        extension.generate("a vase", image=bpy.data.images.new("Mine", 4, 4), image_url=simulator.picture_url)
    assert (extension.tasks(), posts(simulator)) == ([], [])


def test_a_url_that_leads_to_no_picture_fails_with_a_sentence_and_nothing_is_sent(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["picture-html"])
    form = bpy.context.scene.tokenlab
    form.input_type, form.image_url, form.prompt = "IMAGE_URL", simulator.picture_url, "a vase"
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}, "that it leads nowhere is not known yet"
    task = only_task(extension)
    with pytest.raises(extension.TokenLabError) as caught:
        task.wait(timeout=60)
    sentence = "There is a web page at the image URL, and no picture. Nothing was sent or charged."
    assert str(caught.value).startswith(sentence)
    assert (task.state, task.error, row(task).error, entry(task)["error"]) == ("FAILED", *[str(caught.value)] * 3)
    assert posts(simulator) == []


def test_a_doubt_is_a_note_in_the_panel_and_in_the_file_and_the_model_comes(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["picture-403"])
    task = extension.generate("a vase", image_url=simulator.picture_url)
    assert task.wait(timeout=60)
    note = "Sent with an image URL that may not work: its host does not show it to everybody."
    assert (task.state, row(task).note, entry(task)["note"]) == ("IMPORTED", note, note)
    assert len(posts(simulator)) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("example.com/vase.png", "is not an address on the web"),
        ("data:image/png;base64,AAAA", "is not an address on the web"),
        ("https://me:secret@example.com/vase.png", "holds a user name or a password"),
        ("https://example.com/vase.png#top", "goes on after a #"),
        ("https://example.com/".ljust(4001, "a"), "has more than 4000 characters"),
    ],
)
def test_what_cannot_be_an_address_of_a_picture_is_said_at_once(
    extension: ModuleType, simulator: SimulatorProcess, url: str, words: str
) -> None:
    with pytest.raises(RuntimeError, match=rf"The image URL {words}.*Nothing was sent or charged\."):
        bpy.ops.tokenlab.generate(prompt="a vase", image_url=url)
    with pytest.raises(extension.TokenLabError, match=words) as caught:
        extension.generate("a vase", image_url=url)
    assert "secret" not in str(caught.value) and "://" not in str(caught.value)
    assert extension.tasks() == []
    assert [item for item in simulator.requests() if item["method"] == "POST" or item["origin"] == "assets"] == []


def test_an_address_of_this_machine_is_refused_where_the_service_is_not_on_it(
    extension: ModuleType, session: Any, preferences: Any
) -> None:
    preferences.api_key, preferences.base_url = "sk-any", "https://service.invalid"
    for host in ("localhost", "192.168.1.5", "nas"):
        with pytest.raises(extension.TokenLabError, match="to this computer or to a private network"):
            extension.generate("a vase", image_url=f"http://{host}/vase.png")


def test_with_online_access_off_a_service_on_this_machine_gets_the_url_and_no_other_host_is_asked(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    assert not bpy.app.online_access
    task = extension.generate("a vase", image_url="https://example.com/vase.png")
    assert task.wait(timeout=60)
    assert "online access is off, so it was not looked at" in row(task).note
    assert simulator.creates()[0]["request"]["image_url"] == "https://example.com/vase.png"
