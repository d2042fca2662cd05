"""Where the gateway is and who calls: the same values that the shell scripts use and leave behind."""

import os
import pathlib

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


BASE_URL = os.environ.get("BASE_URL", "http://localhost:8060")
TOKEN = _value("TOKEN")
KEY = _value("KEY")
