"""Puts to the file plugin that overlap, as those of a client on a busy machine do."""

import asyncio
from pathlib import Path
from typing import Any

from daiss_devices.twin.database import Database
from daiss_devices.twin.file_plugin import FilePlugin
from daiss_devices.twin.pv_table import area_detector_pvs
from daiss_devices.twin.scenes import make_scene
from daiss_devices.twin.settings import parse


def test_a_path_waits_for_the_depth_that_was_put_before_it(tmp_path: Path) -> None:
    settings = parse(["--rows", "16", "--columns", "16", "--data-root", str(tmp_path)])
    scene = make_scene(settings)
    wanted = tmp_path / "2027" / "01"

    async def put_both() -> Database:
        database = Database("T:")
        for name, spec in area_detector_pvs().items():
            if name.startswith("HDF1:"):
                database.add(name, spec)
        FilePlugin(database, scene, tmp_path)
        put: dict[str, Any] = {
            name: database.channel(f"HDF1:{name}").handler
            for name in ("CreateDirectory", "FilePath")
        }
        await asyncio.gather(put["CreateDirectory"](-3), put["FilePath"](str(wanted)))
        return database

    database = asyncio.run(put_both())
    assert wanted.is_dir()
    assert database.value("HDF1:FilePath_RBV") == f"{wanted}/"
    assert database.value("HDF1:FilePathExists_RBV") == "Yes"
