"""POST /v2/chat with requests: a conversation of two turns, and what it cost."""

import requests

from settings import BASE_URL, KEY

messages = [{"role": "user", "content": "Say hello."}]
for question in ("And now in French.", None):
    answer = requests.post(
        f"{BASE_URL}/v2/chat",
        headers={"ACCESS-KEY": KEY},
        json={"model": "sim-chat", "messages": messages, "max_tokens": 100},
        timeout=60,
    )
    answer.raise_for_status()
    message = answer.json()["choices"][0]["message"]
    print(f"{message['content']}\n  cost {answer.headers['x-cost']}, request {answer.headers['x-request-id']}")
    assert message["role"] == "assistant" and message["content"]
    messages += [message, {"role": "user", "content": question}]
