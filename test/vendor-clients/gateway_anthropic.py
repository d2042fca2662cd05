"""The gateway, read by Anthropic's Python client with nothing but base_url and api_key set."""

import asyncio
import json
import os
import unittest

import anthropic

import pictures

URL = os.environ["GATEWAY_URL"]
KEY = os.environ["GATEWAY_KEY"]
ASK = [{"role": "user", "content": "What is the weather in Hamburg?"}]
BOTH = [{"role": "user", "content": "I need the weather and my calendar."}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": name, "input_schema": SCHEMA} for name in ("get_weather", "get_calendar")]
RECEIVED = {"promptTokens": 0, "completionTokens": 0, "images": 0}
# One whose provider speaks Messages, and one whose requests and answers are translated.
MODELS = ("sim-claude", "sim-chat")


def client(key: str = KEY, **options) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=key, base_url=URL, **{"max_retries": 0, **options})


def noted(message):
    usage = message.usage
    cache = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    assert usage.input_tokens + cache > 0 and usage.output_tokens > 0, usage
    RECEIVED["promptTokens"] += usage.input_tokens + cache
    RECEIVED["completionTokens"] += usage.output_tokens
    return message


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


class Messages(unittest.TestCase):
    def each(self):
        for model in MODELS:
            with self.subTest(model=model):
                yield model

    def test_whole_with_headers(self):
        for model in self.each():
            raw = client().messages.with_raw_response.create(model=model, messages=ASK, max_tokens=9)
            message = noted(raw.parse())
            self.assertEqual(message.stop_reason, "max_tokens")
            self.assertEqual(message.model, model)
            self.assertEqual(message.usage.output_tokens, 9)
            self.assertGreater(float(raw.headers["x-cost"]), 0)
            self.assertEqual(message._request_id, raw.headers["x-trace-id"])

    def test_stream_helper(self):
        for model in self.each():
            with client().messages.stream(model=model, messages=ASK, max_tokens=200) as stream:
                text = "".join(stream.text_stream)
                message = noted(stream.get_final_message())
            self.assertEqual(text_of(message), text)
            self.assertGreater(len(text), 10)
            self.assertEqual(message.stop_reason, "end_turn")

    def test_raw_events(self):
        for model in self.each():
            events = list(client().messages.create(model=model, messages=ASK, max_tokens=20, stream=True))
            types = [event.type for event in events]
            self.assertEqual((types[0], types[-2], types[-1]), ("message_start", "message_delta", "message_stop"))
            noted(events[-2])

    def test_tools_side_by_side_and_their_results(self):
        for model in self.each():
            for streamed in (False, True):
                asked = {"model": model, "messages": BOTH, "max_tokens": 500, "tools": TOOLS}
                if streamed:
                    with client().messages.stream(**asked) as stream:
                        message = noted(stream.get_final_message())
                else:
                    message = noted(client().messages.create(**asked))
                self.assertEqual(message.stop_reason, "tool_use")
                calls = [block for block in message.content if block.type == "tool_use"]
                self.assertEqual([call.name for call in calls], ["get_weather", "get_calendar"])
                self.assertTrue(all("city" in call.input for call in calls))
                results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"{call.name} is fine"} for call in calls]
                turns = [*BOTH, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
                answer = noted(client().messages.create(**{**asked, "messages": turns}))
                self.assertIn("get_weather is fine", text_of(answer))
                self.assertIn("get_calendar is fine", text_of(answer))

    def test_a_choice_of_tool(self):
        for model in self.each():
            choice = {"type": "tool", "name": "get_calendar"}
            message = noted(client().messages.create(model=model, messages=ASK, max_tokens=99, tools=TOOLS, tool_choice=choice))
            self.assertEqual([block.name for block in message.content], ["get_calendar"])

    def test_a_picture(self):
        data = pictures.data_url(64, 48).split(",")[1]
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
        for model in self.each():
            content = [{"type": "text", "text": "What is this?"}, image]
            message = client().messages.create(model=model, messages=[{"role": "user", "content": content}], max_tokens=99)
            self.assertIn("One image seen", text_of(noted(message)))

    def test_thoughts_are_given_back(self):
        for model in ("sim-claude", "sim-thinking"):
            thinking = {"type": "enabled", "budget_tokens": 1024}
            asked = {"model": model, "max_tokens": 2000, "thinking": thinking}
            with client().messages.stream(messages=ASK, **asked) as stream:
                message = noted(stream.get_final_message())
            self.assertEqual([block.type for block in message.content], ["thinking", "text"])
            turns = [*ASK, {"role": "assistant", "content": message.content}, *ASK]
            again = noted(client().messages.create(messages=turns, **asked))
            self.assertEqual(again.content[0].type, "thinking")

    def test_system_blocks_and_the_cache(self):
        system = [{"type": "text", "text": "You know the harbour. " * 40, "cache_control": {"type": "ephemeral"}}]
        first = noted(client().messages.create(model="sim-claude", system=system, messages=ASK, max_tokens=20))
        self.assertGreater(first.usage.cache_creation_input_tokens, 0)
        second = noted(client().messages.create(model="sim-claude", system=system, messages=ASK, max_tokens=20))
        self.assertEqual(second.usage.cache_read_input_tokens, first.usage.cache_creation_input_tokens)
        noted(client().messages.create(model="sim-chat", system=system, messages=ASK, max_tokens=20))

    def test_count_tokens(self):
        for model in self.each():
            counted = client().messages.count_tokens(model=model, messages=ASK, tools=TOOLS)
            self.assertGreater(counted.input_tokens, 10)

    def test_models(self):
        ids = [model.id for model in client().models.list(limit=2)]
        self.assertTrue(set(MODELS) <= set(ids), ids)
        self.assertEqual(client().models.retrieve("sim-claude").type, "model")

    def test_errors(self):
        def fails(kind, words, key=KEY, **options):
            with self.assertRaises(kind) as caught:
                client(key).messages.create(**{"model": "sim-claude", "messages": ASK, "max_tokens": 9, **options})
            self.assertRegex(str(caught.exception), words)
            self.assertTrue(caught.exception.request_id)

        fails(anthropic.NotFoundError, "no-such-model", model="no-such-model")
        fails(anthropic.AuthenticationError, "authentication_error", key="ak-nobody")
        fails(anthropic.BadRequestError, "non-empty", messages=[{"role": "user", "content": [{"type": "text", "text": ""}]}])
        fails(anthropic.RateLimitError, "rate_limit_error", model="sim-claude-busy")
        fails(anthropic.InternalServerError, "overloaded_error", model="sim-claude-overloaded")
        fails(anthropic.BadRequestError, "prompt is too long", model="sim-claude-small", messages=[{"role": "user", "content": "word " * 1500}])

    def test_an_error_in_the_middle_of_a_stream(self):
        with self.assertRaises(anthropic.APIStatusError) as caught:
            with client(os.environ["OTHER_KEY"]).messages.stream(model="sim-claude-breaks", messages=ASK, max_tokens=99) as stream:
                stream.get_final_message()
        self.assertIn("overloaded_error", str(caught.exception))

    def test_asynchronous_client(self):
        async def ask():
            async with anthropic.AsyncAnthropic(api_key=KEY, base_url=URL, max_retries=0) as asynchronous:
                return await asynchronous.messages.create(model="sim-claude", messages=ASK, max_tokens=9)

        noted(asyncio.run(ask()))


def tearDownModule():
    print("received " + json.dumps(RECEIVED))


if __name__ == "__main__":
    unittest.main()
