"""The official openai package, unchanged: only base URL and key are ours."""

import openai

from settings import BASE_URL, KEY

client = openai.OpenAI(base_url=f"{BASE_URL}/v1", api_key=KEY, max_retries=0)
ask = [{"role": "user", "content": "What is the weather in Hamburg?"}]

models = [model.id for model in client.models.list()]
print("models:", ", ".join(models))
assert "sim-chat" in models

reply = client.chat.completions.create(model="sim-chat", messages=ask)
print("chat:", reply.choices[0].message.content)
assert reply.usage.completion_tokens > 0

stream = client.chat.completions.create(
    model="sim-chat", messages=ask, stream=True, stream_options={"include_usage": True}
)
chunks = list(stream)
print("stream:", "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
assert chunks[-1].usage.completion_tokens > 0

tool = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
called = client.chat.completions.create(model="sim-chat", messages=ask, tools=[tool]).choices[0]
print("tool:", called.message.tool_calls[0].function.name, called.message.tool_calls[0].function.arguments)
assert called.finish_reason == "tool_calls"

try:
    client.chat.completions.create(model="no-such-model", messages=ask)
    raise AssertionError("a model that does not exist was answered")
except openai.NotFoundError as error:
    print("unknown model:", error.code, error.body["message"])
