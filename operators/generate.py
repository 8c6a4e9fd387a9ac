# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send what the form says, or what a script gives. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ..core.blender import models, prompts, properties, scripting
from ..core.blender.file_paths import BLEND_RELATIVE
from ..core.blender.properties import FACINGS, FORMATS, INPUT_TYPES, PLACEMENT, PLACES, QUALITIES, SIZES
from ..core.service import stand_in
from ..core.service.contract import AUTO, DEFAULT_IMAGE_PROMPT, DEFAULT_MODEL, MAX_SEED
from ..core.service.errors import Duplicate, OverBudget, TokenLabError
from ..core.tasks.placement import MAX_HEIGHT, MIN_HEIGHT
from ..core.tasks.variations import MAX_VARIATIONS, total_price
from ..core.text import one_line
from .service import ServiceOperator
from .tasks import CONFIRM_BUDGET

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_SKIP: set[Any] = {"SKIP_SAVE"}
"""Blender would otherwise fill in the values of the last call, and send an old prompt."""


_PICTURE_FIELDS = {"IMAGE_FILE": ("image_path",), "IMAGE_DATABLOCK": ("image",), "IMAGE_URL": ("image_url",)}


def _is_in_window() -> bool:
    """Whether there is a button that has to look right."""
    return not bpy.app.background


class TOKENLAB_OT_generate(ServiceOperator, bpy.types.Operator):
    """Send the prompt or picture to TokenLab and import the model when it is done"""

    bl_idname = "tokenlab.generate"
    bl_label = "Generate 3D Model"
    # No UNDO: what was sent cannot be taken back. No REGISTER: Repeat Last would pay again, and skip every question.
    bl_options = set()

    prompt: StringProperty(name="Prompt", description="What the model should be", options=_SKIP)
    prompt_text: StringProperty(
        name="Prompt Text", description="Name of a text of this file that is the prompt", options=_SKIP
    )
    input_type: EnumProperty(name="Input", description="What to generate from", items=INPUT_TYPES, options=_SKIP)
    image_path: StringProperty(
        name="Image File",
        description="PNG, JPEG or WebP picture",
        subtype="FILE_PATH",
        options={*_SKIP, *BLEND_RELATIVE},
    )
    image: StringProperty(name="Image", description="Name of an image of this file", options=_SKIP)
    image_url: StringProperty(name="Image URL", description="Public https address of a picture", options=_SKIP)
    model: StringProperty(name="Model", description="Model of the service that does the work", options=_SKIP)
    format: EnumProperty(name="Format", description="File format to ask for", items=FORMATS, options=_SKIP)
    quality: EnumProperty(name="Quality", description="Quality to ask for", items=QUALITIES, options=_SKIP)
    style: StringProperty(name="Style", description="Style hint, for models that take one", options=_SKIP)
    use_seed: BoolProperty(name="Use Seed", description="Ask for the same result each time", options=_SKIP)
    seed: IntProperty(
        name="Seed", description="The same seed gives a similar result", min=0, max=MAX_SEED, options=_SKIP
    )
    variations: IntProperty(
        name="Variations",
        description="How many models to ask for that differ in their seeds. Each one is paid for",
        default=1,
        min=1,
        max=MAX_VARIATIONS,
        options=_SKIP,
    )
    placement: EnumProperty(name="Location", description=PLACEMENT["placement"], items=PLACES, options=_SKIP)
    size: EnumProperty(name="Size", description=PLACEMENT["size"], items=SIZES, options=_SKIP)
    height: FloatProperty(
        name="Height",
        description=PLACEMENT["height"],
        subtype="DISTANCE",
        default=1.0,
        min=MIN_HEIGHT,
        max=MAX_HEIGHT,
        options=_SKIP,
    )
    facing: EnumProperty(name="Facing", description=PLACEMENT["facing"], items=FACINGS, options=_SKIP)
    on_floor: BoolProperty(name="On Floor", description=PLACEMENT["on_floor"], options=_SKIP)
    confirm_duplicate: BoolProperty(
        name="Confirm Duplicate",
        description="Send it although the same was sent within ten minutes, and pay for both",
        options=_SKIP,
    )
    confirm_budget: CONFIRM_BUDGET
    is_asked: BoolProperty(
        name="Is Asked",
        description="A question was answered, so that the next one may follow",
        options={*_SKIP, "HIDDEN"},
    )
    show_form: BoolProperty(name="Show Form", description="Ask for prompt and model first", options={*_SKIP, "HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether anything can be sent, or need not be.

        A script may name a model that needs no key: without a window, where no button has to look right, it is
        `execute` that says why nothing can be sent.
        """
        if not _is_in_window() or models.is_stand_in_chosen(properties.form(context.scene)):
            return True
        return super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Show the form, from a menu or the search; ask before the same is sent, and paid for, twice."""
        if bpy.app.background:
            return self.execute(context)
        if self.show_form:
            return context.window_manager.invoke_props_dialog(self, width=400, confirm_text="Generate")
        return self._ask(context, event)

    def _ask(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Send, or ask what has to be confirmed first."""
        if self._count(context) > 1 and not self.confirm_duplicate:
            return self._ask_about_variations(context, event)
        try:
            return self._send(context)
        except Duplicate as error:
            self.confirm_duplicate = self.is_asked = True
            return context.window_manager.invoke_confirm(
                self,
                event,
                title="Generate the Same Again?",
                message=f"It was sent {error.ago}, and each one is charged.",
                confirm_text="Generate Again",
            )
        except OverBudget as error:
            self.confirm_budget = self.is_asked = True
            return context.window_manager.invoke_confirm(
                self,
                event,
                title=f"Go Over the {error.name.title()}?",
                message=error.figures,
                confirm_text="Generate Anyway",
            )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the dialog: the form itself, so that nothing is asked for twice."""
        form = properties.form(context.scene)
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(form, "input_type")
        for name in _PICTURE_FIELDS.get(form.input_type, ()):
            layout.prop(form, name)
        if form.prompt_text is not None:
            layout.prop(form, "prompt_text")
        elif hasattr(layout, "textbox"):
            layout.textbox(data=form, property="prompt", placeholder=prompts.placeholder(form))
        else:
            layout.prop(form, "prompt", placeholder=prompts.placeholder(form))
        layout.prop(form, "model")
        if models.formats(form):
            layout.menu("TOKENLAB_MT_format", text=f"Format: {layout.enum_item_name(form, 'format', form.format)}")
        found = models.objection_to_form(form)
        for number, sentence in enumerate(found or ()):
            layout.label(text=sentence, icon="BLANK1" if number else "ERROR", translate=False)

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Hand the request over; never waits."""
        if self.show_form and self._count(context) > 1:
            # As below: what all of them cost is a question of its own.
            return bpy.ops.tokenlab.generate("INVOKE_DEFAULT")  # type: ignore[attr-defined,no-any-return]  # registered by us
        try:
            return self._send(context)
        except (Duplicate, OverBudget) as error:
            if self.show_form or self.is_asked:
                # The dialog has been answered: ask the next question in a dialog of its own.
                bpy.ops.tokenlab.generate("INVOKE_DEFAULT", **self._given())  # type: ignore[attr-defined]  # ours
            else:
                self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def _send(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Send, and report whatever goes wrong but what can be confirmed.

        :raises Duplicate: when the same was sent a short while ago.
        :raises OverBudget: when it could go beyond a limit.
        """
        try:
            count, arguments = self._count(context), self._arguments(context)
            if count > 1:
                handles = scripting.generate_variations(
                    variations=count, **arguments, confirm_budget=self.confirm_budget
                )
            else:
                handle = scripting.generate(
                    **arguments, confirm_duplicate=self.confirm_duplicate, confirm_budget=self.confirm_budget
                )
                handles = [handle]
        except (Duplicate, OverBudget):
            raise
        except TokenLabError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._show_prompt(properties.form(context.scene), arguments["prompt"])
        doing = "Making a trial model for" if handles[0].is_stand_in else "Sending"
        what = f"“{one_line(handles[0].title, limit=40)}”"
        if count > 1:
            self.report({"INFO"}, f"{doing} {count} variations of {what}: each is imported when it is done")
        else:
            self.report({"INFO"}, f"{doing} {what}: the model is imported when it is done")
        return {"FINISHED"}

    def _show_prompt(self, form: Any, sent: str) -> None:
        """Have the user see what was sent for an empty prompt; an empty text stays, for it may be written yet."""
        is_given = self._is_given("prompt") or self._is_given("prompt_text")
        if not is_given and form.prompt_text is None and not form.prompt.strip():
            form.prompt = sent

    def _count(self, context: bpy.types.Context) -> int:
        """How many are to be sent: what was given, or what the form offers for its model."""
        if self._is_given("variations"):
            return int(self.variations)
        form = properties.form(context.scene)
        offered = models.options_of(self._model(form), has_picture=self._input_type(form) != "TEXT") or frozenset()
        return int(form.variations) if "seed" in offered else 1

    def _ask_about_variations(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Name what all of them cost, and ask."""
        count, name = self._count(context), self._model(properties.form(context.scene))
        price = total_price(models.find(name), count)
        cost = f"{price} in all" if price else "each one is charged, and no price is published"
        if stand_in.is_model(name):
            cost = "nothing is charged"
        self.variations, self.confirm_duplicate, self.is_asked = count, True, True
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=f"Generate {count} Variations?",
            message=f"{count} tasks that differ in their seeds: {cost}.",
            confirm_text=f"Generate {count}",
        )

    def _arguments(self, context: bpy.types.Context) -> dict[str, Any]:
        """What was given wins; the rest comes from the form."""
        form = properties.form(context.scene)
        value = {name: self._given_or_form(form, name) for name in _FIELDS}
        input_type = self._input_type(form)
        arguments = {name: value[name] for name in ("model", "format", "quality", "style")}
        arguments["prompt"] = self._prompt(form)
        is_seeded = value["use_seed"] or (self._is_given("seed") and not self._is_given("use_seed"))
        arguments["seed"] = value["seed"] if is_seeded else None
        arguments.update(self._placement(form))
        arguments.update(self._hidden(value["model"], has_picture=input_type != "TEXT"))
        if input_type == "IMAGE_FILE":
            arguments["image"] = value["image_path"] or ""
        elif input_type == "IMAGE_DATABLOCK":
            arguments["image"] = bpy.data.images.get(self.image) if self._is_given("image") else form.image
            if arguments["image"] is None:
                raise TokenLabError("No image is chosen. Nothing was sent or charged. Choose an image.")
        elif input_type == "IMAGE_URL":
            arguments["image_url"] = value["image_url"]
            if not value["image_url"].strip():
                raise TokenLabError("No image URL is given. Nothing was sent or charged. Enter an https address.")
        if input_type != "TEXT" and not arguments["prompt"]:
            arguments["prompt"] = DEFAULT_IMAGE_PROMPT
        return arguments

    def _prompt(self, form: Any) -> str:
        """A prompt that was given wins, and so does a text that was given by its name.

        :raises TokenLabError: when both were given, or there is no such text.
        """
        if not self._is_given("prompt_text"):
            return prompts.read(self.prompt) if self._is_given("prompt") else prompts.of_form(form)
        if self._is_given("prompt"):
            raise TokenLabError("There are two prompts. Nothing was sent or charged. Give only one.")
        text: bpy.types.Text | None = bpy.data.texts.get(self.prompt_text)
        if text is None:
            raise TokenLabError(
                f"There is no text “{self.prompt_text}” in this file. Nothing was sent or charged. Choose another."
            )
        return prompts.read(text)

    def _placement(self, form: Any) -> dict[str, Any]:
        """A height that was given is meant; and whether the model stands follows from a size that was given."""
        value = {name: self._given_or_form(form, name) for name in PLACEMENT}
        if self._is_given("height") and not self._is_given("size"):
            value["size"] = "HEIGHT"
        if (self._is_given("height") or self._is_given("size")) and not self._is_given("on_floor"):
            value["on_floor"] = None
        return value

    def _hidden(self, name: str, *, has_picture: bool) -> dict[str, Any]:
        """Leave out what the form still holds, but does not offer for this model; what is given stays."""
        offered = models.options_of(name.strip() or DEFAULT_MODEL, has_picture=has_picture)
        if offered is None:
            return {}
        without: dict[str, Any] = {"quality": AUTO, "style": "", "seed": None}
        is_given = {option: self._is_given(option) for option in without}
        is_given["seed"] |= self._is_given("use_seed")
        return {option: empty for option, empty in without.items() if option not in offered and not is_given[option]}

    def _input_type(self, form: Any) -> str:
        """A picture that was given says what to generate from, unless the input type was given too.

        A prompt that was given says nothing of that: it may go with the picture of the form.
        """
        if not self._is_given("input_type"):
            for kind, (name,) in _PICTURE_FIELDS.items():
                if self._is_given(name):
                    return kind
        return str(self._given_or_form(form, "input_type"))

    def _model(self, form: Any) -> str:
        """The model that does the work."""
        return str(self._given_or_form(form, "model")).strip() or DEFAULT_MODEL

    def _given(self) -> dict[str, Any]:
        """Return what was given, to be asked about once more; not the form, which has been shown."""
        names = [name for name in self.bl_rna.properties.keys() if name not in ("rna_type", "show_form")]  # noqa: SIM118  # no dict
        return {name: getattr(self, name) for name in names if self._is_given(name)}

    def _given_or_form(self, form: Any, name: str) -> Any:
        return getattr(self if self._is_given(name) else form, name)

    def _is_given(self, name: str) -> bool:
        return bool(self.properties.is_property_set(name))


_FIELDS = ("image_path", "image_url", "model", "format", "quality", "style", "use_seed", "seed")
