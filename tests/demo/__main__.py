# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job once, from a prompt to a model in the scene: `python -m tests.demo`. bpy is needed.

Builds the zip, installs and enables it in a throw-away user folder, sends the prompt to the simulator (or, with
`--live` and a key in TOKENLAB_API_KEY, to the real service), and leaves a .blend and a picture in `out/demo`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROMPT = "a low-poly robot mascot"
MODULE = "bl_ext.user_default.tokenlab_3d"
FORMATS = ("glb", "fbx", "obj", "usdz")
SECONDS = 8.0
"""How long the simulator's task takes: enough to see it progress."""
WAIT_SECONDS = 900.0


def main() -> int:
    options = parse_arguments()
    throw_away = tempfile.TemporaryDirectory(prefix="tokenlab-demo-", ignore_cleanup_errors=True)
    with throw_away as folder, service(options) as (url, key):
        # Blender reads its folders when it is imported, so the throw-away profile has to come first.
        os.environ["BLENDER_USER_RESOURCES"] = str(Path(folder) / "blender")
        os.environ["TOKENLAB_DATA_DIR"] = str(data_folder(options, Path(folder)))
        os.environ["TOKENLAB_API_BASE"] = url
        os.environ["TOKENLAB_API_KEY"] = key
        return run(options, Path(folder))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description="From a prompt to a model in the scene.")
    parser.add_argument("--prompt", help=f'what to generate (default: "{PROMPT}")')
    parser.add_argument("--format", type=str.lower, choices=FORMATS, default="glb")
    parser.add_argument("--image", type=Path, help="a picture to generate from")
    parser.add_argument("--live", action="store_true", help="ask the real service, which costs money")
    parser.add_argument("--samples", type=int, default=32, help="quality of the picture")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long the simulator's task takes")
    parser.add_argument("--output-dir", type=Path, default=REPOSITORY / "out" / "demo")
    options = parser.parse_args()
    if options.image is not None and not options.image.is_file():
        parser.error(f"there is no picture {options.image}")
    if options.live and not os.environ.get("TOKENLAB_API_KEY"):
        parser.error("--live needs your key in the environment variable TOKENLAB_API_KEY")
    return options


def data_folder(options: argparse.Namespace, throw_away: Path) -> Path:
    """Return where the journal and the models are: what was paid for is never thrown away."""
    return (options.output_dir / "data").resolve() if options.live else throw_away / "data"


@contextlib.contextmanager
def service(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield address and key of the service: the real one, or a simulator that ends with the demo."""
    if options.live:
        print("This asks the real service, which costs money.", flush=True)
        yield os.environ.get("TOKENLAB_API_BASE", "https://api.tokenlab.sh"), os.environ["TOKENLAB_API_KEY"]
        return
    # Imported here: the real service needs no simulator.
    from tests.simulator.process import SimulatorProcess  # noqa: PLC0415

    print("This asks the simulator on this machine, which costs nothing.", flush=True)
    with SimulatorProcess(seconds=options.seconds) as simulator:
        yield simulator.url, simulator.key


def run(options: argparse.Namespace, folder: Path) -> int:
    import bpy  # noqa: PLC0415  # after the environment is set

    from tests.build import build_zip  # noqa: PLC0415
    from tests.demo import studio  # noqa: PLC0415

    package = build_zip(folder / "dist")
    print(f"Blender {bpy.app.version_string}, extension {package.name}", flush=True)
    bpy.ops.extensions.package_install_files(filepath=str(package), repo="user_default", enable_on_install=True)
    bpy.context.preferences.system.use_online_access = options.live
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    tokenlab = importlib.import_module(MODULE)
    try:
        task = generate(tokenlab, options)
        objects = wait_with_progress(tokenlab, task)
    except tokenlab.TokenLabError as error:
        print(f"Failed: {error}", file=sys.stderr)
        if options.live:
            print(
                f"The task and its files are in {os.environ['TOKENLAB_DATA_DIR']}. Start Blender with "
                "TOKENLAB_DATA_DIR set to that folder, and it goes on.",
                file=sys.stderr,
            )
        return 1
    name = f"{tokenlab.core.files.library.slug(task.title)}-{options.format}{'-from-image' if options.image else ''}"
    options.output_dir.mkdir(parents=True, exist_ok=True)
    picture = (options.output_dir / f"{name}.png").resolve()
    blend = (options.output_dir / f"{name}.blend").resolve()
    print(f"Imported {len(objects)} objects; rendering", flush=True)
    studio.photograph(objects, picture, options.samples)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.preferences.addon_disable(module=MODULE)
    print(f"{blend}\n{picture}", flush=True)
    return 0


def generate(tokenlab: Any, options: argparse.Namespace) -> Any:
    prompt = options.prompt or ("" if options.image else PROMPT)
    return tokenlab.generate(prompt, format=options.format, image=options.image and options.image.resolve())


def wait_with_progress(tokenlab: Any, task: Any) -> list[Any]:
    """Wait as any script would, and say each change once."""
    said = ""
    for _ in range(int(WAIT_SECONDS / 0.2)):
        now = f"{task.state}{'' if task.progress is None else f' {task.progress} %'}"
        if now != said:
            print(f"  {now}", flush=True)
            said = now
        try:
            return list(task.wait(timeout=0.2))
        except tokenlab.StillRunning:
            continue
    raise tokenlab.StillRunning("The task still runs, and is not waited for any longer.")


if __name__ == "__main__":
    sys.exit(main())
