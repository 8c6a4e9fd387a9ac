# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the extension in Blender's preferences. bpy is allowed here; nothing is changed and nothing is asked for.

Blender draws it inside a box, where its sub-panels cannot be: hence headings.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..core.blender import assets, preferences, properties, session
from ..core.files.library import LIBRARY
from ..core.service.errors import DASHBOARD_KEYS
from .sentences import wrapped

_PRIVACY = (
    ("Sent", "Key, prompt, options and picture, to the service and nobody else."),
    (
        "Stored",
        "The key in Blender's preferences. Tasks, pictures and models in the data folder. Prompts and task IDs in the "
        ".blend file too.",
    ),
    ("Never Stored", "A key or a model's address in a .blend file, a log or an error."),
)
_PRIVACY_LABEL = 0.2
_NO_KEY = "No API key is set. Get one from the service, and enter it here."
_LINE = 0.8
"""Height of the lines of a sentence."""
_LABEL = 0.4
"""How much of a line Blender itself gives to the name of a property."""


def _draw(page: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    layout = page.layout
    layout.use_property_split = True
    layout.use_property_decorate = False
    shown = properties.session_list()
    _draw_account(_group(layout, "Account", is_first=True), context, page, shown)
    _draw_spending(_group(layout, "Spending"), context, page, shown)
    _draw_importing(_group(layout, "Importing"), page)
    _draw_library(_group(layout, "Library"), context, page, shown)
    _draw_advanced(_group(layout, "Advanced"), page)
    _draw_diagnostics(_group(layout, "Diagnostics"), context, shown)
    _draw_privacy(_group(layout, "Privacy"), context)


def _group(layout: bpy.types.UILayout, title: str, *, is_first: bool = False) -> bpy.types.UILayout:
    """Begin a part of the page."""
    if not is_first:
        layout.separator(type="LINE")
    layout.label(text=title)
    return layout.column()


def _beside_names(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """Return the part of a line where Blender draws what belongs to the name before it."""
    split = layout.split(factor=_LABEL)
    split.label(text="")
    return split.column()


def _draw_sentence(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    sentence: str,
    *,
    icon: Any = "NONE",
    part: float = 1.0 - _LABEL,
) -> None:
    """Draw a sentence on that part of a line."""
    column = layout.column(align=True)
    column.scale_y = _LINE
    for number, line in enumerate(wrapped(context, sentence, part)):
        column.label(text=line, icon="BLANK1" if number and icon != "NONE" else icon, translate=False)


def _draw_account(layout: bpy.types.UILayout, context: bpy.types.Context, page: Any, shown: Any) -> None:
    _draw_field(layout, page, "api_key")
    column = _beside_names(layout)
    row = column.row()
    row.operator("wm.url_open", text="Get API Key", icon="URL").url = f"https://{DASHBOARD_KEYS}"
    row.operator("tokenlab.test_connection", text="Test Connection", icon="CHECKMARK")
    said = (preferences.problem() or shown.connection_status) if preferences.api_key() else _NO_KEY
    if said:
        _draw_sentence(column, context, said, icon="INFO")


def _draw_spending(layout: bpy.types.UILayout, context: bpy.types.Context, page: Any, shown: Any) -> None:
    layout.prop(page, "session_limit")
    layout.prop(page, "month_limit")
    column = _beside_names(layout)
    said = session.spending_words()
    if said:
        _draw_sentence(column, context, said, icon="INFO")
    ledger = session.ledger_words()
    if ledger:
        _draw_sentence(column, context, ledger, icon="INFO")
    row = column.row()
    row.operator("tokenlab.export_ledger", text="Export Ledger…", icon="SPREADSHEET")
    row.operator("tokenlab.import_usage", text="Import Usage File…", icon="IMPORT")
    if shown.ledger_status:
        _draw_sentence(column, context, shown.ledger_status)


def _draw_importing(layout: bpy.types.UILayout, page: Any) -> None:
    layout.prop(page, "use_placeholder")
    layout.prop(page, "import_in_background")


def _draw_advanced(layout: bpy.types.UILayout, page: Any) -> None:
    layout.prop(page, "max_concurrent_tasks")
    layout.prop(page, "delivery_policy")
    _draw_field(layout, page, "base_url")


def _draw_library(layout: bpy.types.UILayout, context: bpy.types.Context, page: Any, shown: Any) -> None:
    _draw_field(layout, page, "data_directory")
    name = assets.registered_name(preferences.data_directory() / LIBRARY)
    column = _beside_names(layout)
    if shown.library_use:
        column.label(text=shown.library_use, translate=False)
    if name:
        column.label(text=f"In the Asset Browser as “{name}”", icon="CHECKMARK", translate=False)
    row = column.row()
    if not name:
        row.operator("tokenlab.add_asset_library", text="Add to Asset Browser", icon="ASSET_MANAGER")
    row.operator("tokenlab.clean_up_library", text="Clean Up…", icon="TRASH")
    if shown.library_status:
        _draw_sentence(column, context, shown.library_status)


def _draw_diagnostics(layout: bpy.types.UILayout, context: bpy.types.Context, shown: Any) -> None:
    layout.prop(shown, "include_prompts")
    column = _beside_names(layout)
    row = column.row(align=True)
    button = row.operator("tokenlab.save_diagnostics", icon="TEXT")
    button.include_prompts = shown.include_prompts
    button = row.operator("tokenlab.save_diagnostics", text="", icon="FILEBROWSER")
    button.include_prompts, button.choose_file = shown.include_prompts, True
    if shown.diagnostics_status:
        _draw_sentence(column, context, shown.diagnostics_status, icon="INFO")


def _draw_privacy(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    for name, sentence in _PRIVACY:
        split = layout.split(factor=_PRIVACY_LABEL)
        label = split.column()
        label.alignment, label.scale_y = "RIGHT", _LINE
        label.label(text=name)
        _draw_sentence(split, context, sentence, part=1.0 - _PRIVACY_LABEL)


def _draw_field(layout: bpy.types.UILayout, page: Any, name: str) -> None:
    """Draw a preference that an environment variable may win over."""
    row = layout.row()
    is_overridden = bool(preferences.environment_override(name))
    row.enabled = not is_overridden
    row.prop(page, name)
    if is_overridden:
        text = f"Set by the environment variable {preferences.ENVIRONMENT[name]}"
        _beside_names(layout).label(text=text, icon="INFO", translate=False)


def register() -> None:
    """Have it drawn."""
    preferences.append(_draw)


def unregister() -> None:
    """Have it drawn no more."""
    preferences.remove(_draw)
