"""Where the gateway is and who calls: the same values that the shell scripts use and leave behind."""

import json
import os
import pathlib

# `npm start` leaves the settings in effect here: its port may be another one, where 8060 was busy.
_LOCAL_SETTINGS = pathlib.Path(__file__).resolve().parents[2] / ".local" / "start" / "settings.json"

_STATE = pathlib.Path(
    os.environ.get("STATE", pathlib.Path(__file__).resolve().parents[2] / ".local" / "test_scripts")
)


def _value(name: str) -> str:
    """From the environment, otherwise what auth/login.sh or access-keys/create.sh has left."""
    if name in os.environ:
        return os.environ[name]
    file = _STATE / name
    if not file.exists():
        raise SystemExit(f"{name} is not set: run auth/register.sh, auth/login.sh and access-keys/create.sh first")
    return file.read_text().strip()


def _local_url() -> str:
    settings = json.loads(_LOCAL_SETTINGS.read_text()) if _LOCAL_SETTINGS.exists() else {}
    return f"http://localhost:{settings.get('PORT', '8060')}"


BASE_URL = os.environ.get("BASE_URL") or _local_url()
TOKEN = _value("TOKEN")
KEY = _value("KEY")
