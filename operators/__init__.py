# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a button or a script can do. bpy is allowed here; the work is done in core."""

from __future__ import annotations

import bpy

from .connection import TOKENLAB_OT_test_connection
from .diagnostics import TOKENLAB_OT_save_diagnostics
from .generate import TOKENLAB_OT_generate
from .ledger import TOKENLAB_OT_export_ledger, TOKENLAB_OT_import_usage
from .library import TOKENLAB_OT_add_asset_library, TOKENLAB_OT_clean_up_library
from .models import TOKENLAB_OT_refresh_models
from .pictures import (
    TOKENLAB_FH_image,
    TOKENLAB_OT_paste_image,
    TOKENLAB_OT_use_image_file,
    TOKENLAB_OT_use_viewport,
)
from .prompts import TOKENLAB_OT_use_prompt
from .reuse import (
    TOKENLAB_OT_copy_prompt,
    TOKENLAB_OT_generate_variation,
    TOKENLAB_OT_random_seed,
    TOKENLAB_OT_reuse_settings,
)
from .stand_in import TOKENLAB_OT_try_without_key
from .tasks import (
    TOKENLAB_OT_attach_task,
    TOKENLAB_OT_clear_finished,
    TOKENLAB_OT_import_model,
    TOKENLAB_OT_open_folder,
    TOKENLAB_OT_remove_task,
    TOKENLAB_OT_resume,
    TOKENLAB_OT_stop_waiting,
    TOKENLAB_OT_submit_again,
)
from .variants import TOKENLAB_OT_keep_variant, TOKENLAB_OT_select_model

_CLASSES = (
    TOKENLAB_OT_generate,
    TOKENLAB_OT_use_prompt,
    TOKENLAB_OT_use_image_file,
    TOKENLAB_OT_use_viewport,
    TOKENLAB_OT_paste_image,
    TOKENLAB_FH_image,
    TOKENLAB_OT_try_without_key,
    TOKENLAB_OT_select_model,
    TOKENLAB_OT_keep_variant,
    TOKENLAB_OT_reuse_settings,
    TOKENLAB_OT_generate_variation,
    TOKENLAB_OT_copy_prompt,
    TOKENLAB_OT_random_seed,
    TOKENLAB_OT_import_model,
    TOKENLAB_OT_stop_waiting,
    TOKENLAB_OT_resume,
    TOKENLAB_OT_submit_again,
    TOKENLAB_OT_attach_task,
    TOKENLAB_OT_remove_task,
    TOKENLAB_OT_clear_finished,
    TOKENLAB_OT_open_folder,
    TOKENLAB_OT_add_asset_library,
    TOKENLAB_OT_clean_up_library,
    TOKENLAB_OT_export_ledger,
    TOKENLAB_OT_import_usage,
    TOKENLAB_OT_refresh_models,
    TOKENLAB_OT_test_connection,
    TOKENLAB_OT_save_diagnostics,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
