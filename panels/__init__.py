# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is drawn: sidebar, task list, menus, preferences, progress in 3D View and status bar. bpy is allowed here.

Nothing is changed or asked for.
"""

from __future__ import annotations

import bpy

from . import menus, preferences, status_bar, viewport
from .details import TOKENLAB_PT_details
from .models import TOKENLAB_MT_format, TOKENLAB_MT_models
from .placement import TOKENLAB_PT_placement
from .prompt import TOKENLAB_PT_prompt_text
from .sidebar import TOKENLAB_PT_generate, TOKENLAB_PT_options, TOKENLAB_PT_tasks
from .task_list import TOKENLAB_MT_list, TOKENLAB_UL_tasks
from .variants import TOKENLAB_PT_variants

_CLASSES = (
    TOKENLAB_UL_tasks,
    TOKENLAB_MT_format,
    TOKENLAB_MT_models,
    TOKENLAB_MT_list,
    TOKENLAB_PT_prompt_text,
    TOKENLAB_PT_generate,
    TOKENLAB_PT_options,
    TOKENLAB_PT_placement,
    TOKENLAB_PT_tasks,
    TOKENLAB_PT_details,
    TOKENLAB_PT_variants,
)
_register_classes, _unregister_classes = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add panels, menu entries, the page of the preferences and what is drawn in the 3D View and the status bar."""
    _register_classes()
    menus.register()
    preferences.register()
    viewport.register()
    status_bar.register()


def unregister() -> None:
    """Take them away in reverse."""
    status_bar.unregister()
    viewport.unregister()
    preferences.unregister()
    menus.unregister()
    _unregister_classes()
