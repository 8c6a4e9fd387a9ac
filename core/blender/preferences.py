# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The extension's preferences, and the settings that follow from them and the environment. bpy is allowed here."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ... import __package__ as base_package
from ..files.library import default_data_directory
from ..service.address import Connection, is_acceptable_base_url, is_loopback, is_sendable_key, plain_base_url
from ..service.contract import DEFAULT_BASE_URL
from ..tasks.settings import DEFAULT_DOWNLOADS, Settings
from . import models, second_blender

ENVIRONMENT = {
    "api_key": "TOKENLAB_API_KEY",
    "base_url": "TOKENLAB_API_BASE",
    "data_directory": "TOKENLAB_DATA_DIR",
}
"""Environment variables that win over the preference of that name; the service's own clients read the first two."""


NO_KEY = "No API key is set. Enter your TokenLab key in the preferences."
ODD_KEY = (
    "The API key has characters that no key has; perhaps it was copied masked. Nothing can be sent with it. "
    "Copy it anew and enter it in the preferences."
)
OFFLINE = "Online access is off in Blender. Allow it in the preferences under System."

DELIVERY_POLICIES = (
    ("DEFAULT", "As the Service Chooses", "What your key or workspace is set to at the service"),
    ("AUTO", "Verified, Else Official", "Tier Verified first; the service may change to Official before it accepts"),
    ("VERIFIED", "Verified Only", "Tier Verified, or no model"),
    ("OFFICIAL", "Official Only", "Tier Official, or no model"),
)


class TOKENLAB_AP_preferences(bpy.types.AddonPreferences):
    """Key, service address, data folder and limits."""

    bl_idname = base_package

    api_key: StringProperty(
        name="API Key",
        description="Your TokenLab key, which begins with sk-. Kept in Blender's preferences, never in a .blend file",
        subtype="PASSWORD",
        update=models.wake,
    )
    base_url: StringProperty(
        name="Service Address",
        description="Where the TokenLab service is reached",
        default=DEFAULT_BASE_URL,
        update=models.wake,
    )
    data_directory: StringProperty(
        name="Data Folder",
        description="Where the task journal and the generated models are kept, for all Blender versions",
        subtype="DIR_PATH",
        default=str(default_data_directory()),
    )
    import_in_background: BoolProperty(
        name="Import in Background",
        description="Prepare models in a second Blender, so that this one does not wait",
        default=True,
    )
    use_placeholder: BoolProperty(
        name="Placeholders",
        description="While a task runs, keep the place of its model with an Empty that can be moved",
        default=True,
    )
    max_concurrent_tasks: IntProperty(
        name="Concurrent Tasks",
        description="How many tasks run at the service at once; further ones wait for their turn",
        default=8,
        min=1,
        max=200,
    )
    session_limit: FloatProperty(
        name="Limit per Session (USD)",
        description="Ask before a request that could bring this session beyond it. 0 sets no limit",
        min=0.0,
        soft_max=100.0,
        max=1_000_000.0,
        step=100,
        precision=2,
    )
    month_limit: FloatProperty(
        name="Limit per Month (USD)",
        description="Ask before a request that could bring this calendar month beyond it. 0 sets no limit",
        min=0.0,
        soft_max=1000.0,
        max=1_000_000.0,
        step=100,
        precision=2,
    )
    delivery_policy: EnumProperty(
        name="Delivery Tier",
        description="Who may do the work at the service. Prices and capacity of the tiers differ",
        items=DELIVERY_POLICIES,
        default="DEFAULT",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what the panels have added; what is drawn is their room's."""
        for draw in _pages:
            draw(self, context)


Page = Callable[[bpy.types.AddonPreferences, bpy.types.Context], None]
_pages: list[Page] = []


def append(page: Page) -> None:
    """Have something drawn as the page of the preferences, as with Blender's own menus."""
    _pages.append(page)


def remove(page: Page) -> None:
    """Have it drawn no more."""
    _pages.remove(page)


def environment_override(name: str) -> str:
    """Return the environment's value for a preference, or ""."""
    return os.environ.get(ENVIRONMENT[name], "").strip()


def get() -> TOKENLAB_AP_preferences:
    """Return this extension's preferences."""
    return cast(TOKENLAB_AP_preferences, bpy.context.preferences.addons[base_package].preferences)


def api_key() -> str:
    """Return the key in force, or ""."""
    return environment_override("api_key") or get().api_key.strip()


def base_url() -> str:
    """Return the service address in force, as `Connection` wants it."""
    return plain_base_url(environment_override("base_url") or get().base_url.strip() or DEFAULT_BASE_URL)


def data_directory() -> Path:
    """Return the data folder in force, as a whole path: the journal outlives the folder that Blender was started in."""
    text = environment_override("data_directory") or bpy.path.abspath(get().data_directory)
    return _whole(text) if text else default_data_directory()


@cache
def _whole(path: str) -> Path:
    """Say once where that is: a script that changes the working folder later takes no journal away."""
    return Path(os.path.expanduser(path)).absolute()


def delivery_policy() -> str:
    """Return the service's word for the tier that was chosen, or "" when that is left to the service."""
    chosen = str(get().delivery_policy)
    return "" if chosen == "DEFAULT" else chosen.lower()


def host() -> str:
    """Return the host name of the service in force, for sentences."""
    return Connection(base_url(), "").host


def is_online() -> bool:
    """Whether the service may be spoken to: Blender allows online access, or the service is on this machine."""
    return bool(bpy.app.online_access) or is_loopback(base_url())


def has_safe_address() -> bool:
    """Whether the service address may be given a key."""
    return is_acceptable_base_url(base_url())


def problem() -> str:
    """Return a user's sentence why nothing can be sent now, or ""."""
    if not api_key():
        return NO_KEY
    if not is_sendable_key(api_key()):
        return ODD_KEY
    if not has_safe_address():
        return "The service address is not a secure https address. Correct it in the preferences."
    if not is_online():
        return OFFLINE
    return ""


def settings() -> Settings:
    """Return what the engine works with from now on."""
    return Settings(
        connection=Connection(base_url(), api_key()),
        data_directory=data_directory(),
        may_connect=not problem(),
        max_concurrent_tasks=get().max_concurrent_tasks,
        max_downloads=_max_downloads(),
        converter=second_blender.command(is_wanted=get().import_in_background),
        is_online=bool(bpy.app.online_access),
    )


def _max_downloads() -> int:
    """Return Blender's own limit of connections; it has none by default, and then ours holds."""
    return bpy.context.preferences.system.network_connection_limit or DEFAULT_DOWNLOADS


register, unregister = bpy.utils.register_classes_factory((TOKENLAB_AP_preferences,))
