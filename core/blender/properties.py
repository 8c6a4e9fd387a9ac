# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form that is saved with a scene, and the list that the sidebar draws. bpy is allowed here."""

from __future__ import annotations

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..service.contract import DEFAULT_MODEL, MAX_SEED
from ..tasks.placement import MAX_HEIGHT, MIN_HEIGHT
from ..tasks.variations import MAX_VARIATIONS
from . import input_picture, models, prompts
from .file_paths import BLEND_RELATIVE

INPUT_TYPES = (
    ("TEXT", "Text", "Generate from a prompt alone"),
    ("IMAGE_FILE", "Image File", "Generate from a picture on disk"),
    ("IMAGE_DATABLOCK", "Image", "Generate from an image of this file"),
    ("IMAGE_URL", "Image URL", "Generate from a picture on the web"),
)
FORMATS = (
    ("GLB", "GLB", "Binary glTF: the safest choice, with materials and textures"),
    ("FBX", "FBX", "FBX, if the model offers it"),
    ("OBJ", "OBJ", "Wavefront OBJ, if the model offers it"),
    ("USDZ", "USDZ", "Universal Scene Description, if the model offers it and this Blender reads it"),
    ("AUTO", "Automatic", "Leave the format to the model"),
)
QUALITIES = (
    ("AUTO", "Automatic", "Leave the quality to the model"),
    ("DRAFT", "Draft", "Fast and cheap, if the model offers it"),
    ("STANDARD", "Standard", "The usual quality, if the model offers it"),
    ("HIGH", "High", "Slower and dearer, if the model offers it"),
)
PLACES = (
    ("CURSOR", "3D Cursor", "Put the model where the 3D cursor is at the sending"),
    ("ORIGIN", "World Origin", "Put the model on the origin of the world"),
)
SIZES = (
    ("AS_DELIVERED", "As Delivered", "Leave the size as the service delivers it"),
    ("HEIGHT", "Height", "Scale the model to a height"),
    ("SELECTED", "Fit to Selected", "Scale the model into the bounding box of what is selected, and put it there"),
)
FACINGS = (
    ("AS_DELIVERED", "As Delivered", "Leave the model turned as the service delivers it"),
    ("NEGATIVE_Y", "-Y", "Turn the front of the model to -Y, which is to the viewer in the front view"),
    ("X", "X", "Turn the front of the model to X"),
    ("Y", "Y", "Turn the front of the model to Y"),
    ("NEGATIVE_X", "-X", "Turn the front of the model to -X"),
    ("CAMERA", "Camera", "Turn the front of the model towards the camera of the scene, if it has one"),
)
PLACEMENT: dict[str, str] = {
    "placement": "Where the model goes, unless it has been moved with its placeholder",
    "size": "How large the model becomes",
    "height": "Height of the model",
    "facing": "Where the front of the model looks",
    "on_floor": "Put the lowest point of the model there, and not its origin",
}
"""Descriptions of the fields about where a model lands: the operator has the same ones."""


def _size_chosen(form: TOKENLAB_PG_form, _context: bpy.types.Context) -> None:
    """Stand a model on the floor that is given a size, and leave it as a plain import does without one."""
    form.on_floor = form.size != "AS_DELIVERED"


class TOKENLAB_PG_form(bpy.types.PropertyGroup):
    """What to generate. Saved with the scene and undoable, like any setting."""

    prompt: StringProperty(
        name="Prompt",
        description="What the model should be",
        options={"TEXTEDIT_UPDATE"},
        update=prompts.prompt_entered,
    )
    prompt_text: PointerProperty(
        name="Prompt Text", description="Text of this file that is the prompt", type=bpy.types.Text
    )
    input_type: EnumProperty(name="Input", description="What to generate from", items=INPUT_TYPES)
    image_path: StringProperty(
        name="Image File",
        description="PNG, JPEG or WebP picture",
        subtype="FILE_PATH",
        options=BLEND_RELATIVE,
        update=input_picture.file_chosen,
    )
    image: PointerProperty(name="Image", description="Image of this file to generate from", type=bpy.types.Image)
    image_url: StringProperty(name="Image URL", description="Public https address of a picture")
    model: StringProperty(
        name="Model",
        description="Model of the service that does the work",
        default=DEFAULT_MODEL,
        search=models.search,
        update=models.model_chosen,
    )
    format: EnumProperty(name="Format", description="File format to ask for", items=FORMATS, default="GLB")
    quality: EnumProperty(name="Quality", description="Quality to ask for", items=QUALITIES, default="AUTO")
    style: StringProperty(name="Style", description="Style hint, for models that take one")
    use_seed: BoolProperty(
        name="Use Seed", description="Ask for the same result each time, for models that take a seed"
    )
    seed: IntProperty(name="Seed", description="The same seed gives a similar result", min=0, max=MAX_SEED)
    variations: IntProperty(
        name="Variations",
        description="How many models to ask for that differ in their seeds. Each one is paid for",
        default=1,
        min=1,
        max=MAX_VARIATIONS,
    )
    placement: EnumProperty(name="Location", description=PLACEMENT["placement"], items=PLACES)
    size: EnumProperty(name="Size", description=PLACEMENT["size"], items=SIZES, update=_size_chosen)
    height: FloatProperty(
        name="Height",
        description=PLACEMENT["height"],
        subtype="DISTANCE",
        default=1.0,
        min=MIN_HEIGHT,
        soft_min=0.01,
        soft_max=10.0,
        max=MAX_HEIGHT,
    )
    facing: EnumProperty(name="Facing", description=PLACEMENT["facing"], items=FACINGS)
    on_floor: BoolProperty(name="On Floor", description=PLACEMENT["on_floor"])


class TOKENLAB_PG_task(bpy.types.PropertyGroup):
    """One row of the task list: a copy of a task for drawing. The name of the row is its local id."""

    local_id: StringProperty(name="Local ID")
    task_id: StringProperty(name="Task ID")
    prompt: StringProperty(name="Prompt")
    model: StringProperty(name="Model")
    format: StringProperty(name="Format")
    options: StringProperty(name="Options", description="Quality, style and seed that were chosen, in words")
    price: StringProperty(name="Price", description="What the service published for one request when it was sent")
    state: StringProperty(name="State")
    progress: IntProperty(name="Progress", description="0 to 100, or -1 when the service gives none", default=-1)
    error: StringProperty(name="Error")
    note: StringProperty(name="Note")
    waits_for: StringProperty(name="Waits For", description="Why the import has to wait")
    variant_key: StringProperty(
        name="Variant Key",
        description="The same for the results of one prompt in one scene, whatever seed and model they have",
    )
    scene_name: StringProperty(name="Scene")
    billing_transaction_id: StringProperty(name="Billing ID")
    request_id: StringProperty(name="Request ID", description="The service's id of our last request, for support")
    submitted_at: StringProperty(name="Sent", description="Unix seconds as text, or nothing")
    is_stand_in: BoolProperty(name="Trial", description="Made by TokenLab 3D itself; the service knows nothing of it")
    created_at: StringProperty(name="Created", description="Unix seconds as text: a float property would round them")
    settled_at: StringProperty(name="Completed", description="Unix seconds as text, or nothing")
    was_imported: BoolProperty(name="Was Imported", description="The model is in this file, or in one that was saved")
    has_result: BoolProperty(name="Has Result", description="The model is on this computer")
    facts: StringProperty(name="Facts", description="What the model is like, as JSON; empty before it was measured")


class TOKENLAB_PG_session(bpy.types.PropertyGroup):
    """What the sidebar shows: not saved, not undone."""

    tasks: CollectionProperty(name="Tasks", description="What the list shows", type=TOKENLAB_PG_task)
    active_task_index: IntProperty(name="Active Task", description="Task whose details are shown")
    tasks_elsewhere: IntProperty(
        name="Tasks Elsewhere", description="Tasks of other files that this Blender goes on with"
    )
    notice: StringProperty(name="Notice", description="A sentence about the extension itself")
    service_state: StringProperty(
        name="Service State", description="What the latest exchange with the service has shown, or nothing"
    )
    connection_status: StringProperty(name="Connection", description="What the last connection test said")
    library_use: StringProperty(name="Library", description="How many models the library holds, and their size")
    library_status: StringProperty(name="Library Status", description="What was last done with the library")
    library_is_busy: BoolProperty(name="Library Is Busy", description="Something is being done with the library")
    include_prompts: BoolProperty(
        name="Include Prompts",
        description="Write the prompts, styles and names of pictures of the tasks into the diagnostics too",
    )
    ledger_status: StringProperty(name="Ledger", description="What was done with the ledger last")
    diagnostics_status: StringProperty(name="Diagnostics", description="Where the diagnostics were saved last")


def form(scene: bpy.types.Scene) -> TOKENLAB_PG_form:
    """Return the form of a scene, looked up anew each time."""
    group: TOKENLAB_PG_form = scene.tokenlab  # type: ignore[attr-defined]  # added below
    return group


def session_list() -> TOKENLAB_PG_session:
    """Return what the sidebar shows, looked up anew each time."""
    group: TOKENLAB_PG_session = bpy.context.window_manager.tokenlab  # type: ignore[attr-defined]  # added below
    return group


_CLASSES = (TOKENLAB_PG_form, TOKENLAB_PG_task, TOKENLAB_PG_session)
_register_classes, _unregister_classes = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add the classes, and one pointer on each owner."""
    _register_classes()
    bpy.types.Scene.tokenlab = PointerProperty(type=TOKENLAB_PG_form)  # type: ignore[attr-defined]
    bpy.types.WindowManager.tokenlab = PointerProperty(type=TOKENLAB_PG_session)  # type: ignore[attr-defined]


def unregister() -> None:
    """Take the pointers away before their classes, or dangling properties stay behind."""
    del bpy.types.WindowManager.tokenlab  # type: ignore[attr-defined]
    del bpy.types.Scene.tokenlab  # type: ignore[attr-defined]
    _unregister_classes()
