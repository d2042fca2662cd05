"""Pictures as a program reads them that has nothing to do with their maker."""

import base64
import io
import urllib.request

from PIL import Image


def size_of(data: bytes) -> tuple[int, int]:
    """Decodes every pixel; raises when the file is damaged."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture.size


def size_at(url: str) -> tuple[int, int]:
    with urllib.request.urlopen(url, timeout=20) as reply:
        return size_of(reply.read())


def size_of_base64(text: str) -> tuple[int, int]:
    return size_of(base64.b64decode(text))


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 120, 40)).save(file, "PNG")
    return file.getvalue()


def data_url(width: int, height: int) -> str:
    return "data:image/png;base64," + base64.b64encode(png(width, height)).decode()
