"""POST /v2/chat/stream with requests: text as it comes, the cost from the closing comment."""

import json

import requests

from settings import BASE_URL, KEY

text, cost, done = "", None, False
with requests.post(
    f"{BASE_URL}/v2/chat/stream",
    headers={"ACCESS-KEY": KEY},
    json={"model": "sim-chat", "messages": [{"role": "user", "content": "Say hello."}]},
    stream=True,
    timeout=60,
) as answer:
    answer.raise_for_status()
    answer.encoding = "utf-8"
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith(":") and "cost" in line:
            cost = line[1:].strip()
        elif line == "data: [DONE]":
            done = True
        elif line.startswith("data: "):
            for choice in json.loads(line[len("data: ") :])["choices"]:
                piece = choice["delta"].get("content") or ""
                print(piece, end="", flush=True)
                text += piece
print(f"\n  {cost}")
assert text and done and cost, "the stream is not complete"
