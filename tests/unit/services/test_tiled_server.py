"""Files of the embedded Tiled server; the server itself is in the system tests."""

import socket
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.resources import resource
from daiss_bluesky.services.epics_environment import LOOPBACK
from daiss_bluesky.services.tiled_server import (
    read_or_make_key,
    start_command,
    write_config,
    write_profile,
)


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = read_or_make_key(tmp_path)
    assert len(key) == 64
    assert read_or_make_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "api_key").stat().st_mode) == 0o600


def test_the_key_is_in_no_command_and_in_no_configuration(tmp_path: Path) -> None:
    key = read_or_make_key(tmp_path)
    assert key not in write_config(tmp_path, 8000, [tmp_path / "raw"]).read_text()
    assert key not in " ".join(start_command(tmp_path, 8000))


def test_the_configuration_says_what_was_asked(tmp_path: Path) -> None:
    path = write_config(tmp_path, 8123, [tmp_path / "raw", Path("/data")])
    config = yaml.safe_load(path.read_text())
    assert config["uvicorn"]["port"] == 8123
    assert config["uvicorn"]["host"] == LOOPBACK
    assert config["catalog"]["readable_storage"] == [
        f"file://localhost{tmp_path}/raw",
        "file://localhost/data",
        f"file://localhost{tmp_path}/results",
    ]
    with pytest.raises(InputError, match="must be an absolute path"):
        write_config(tmp_path, 8123, [Path("raw")])


def test_the_profile_is_private(tmp_path: Path) -> None:
    folder = write_profile(tmp_path, 8123)
    path = folder / "daiss.yml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "127.0.0.1:8123" in yaml.safe_load(path.read_text())["daiss"]["uri"]


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            start_command(tmp_path, port), capture_output=True, text=True, check=False
        )
    assert ended.returncode == 2
    (line,) = ended.stderr.strip().splitlines()
    assert f"port {port}" in line


def test_unknown_resources_are_refused() -> None:
    assert resource("tiled_config/embedded.yml").is_file()
    with pytest.raises(UnavailableError, match="not a file of this installation"):
        resource("tiled_config/nothing.yml")
