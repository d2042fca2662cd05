"""The simulator's OpenAI side and DashScope's compatible mode, read by OpenAI's Python client."""

import json
import os
import unittest

import openai

import pictures

URL = os.environ["SIMULATOR_URL"]
ASK = [{"role": "user", "content": "What is the weather in Hamburg?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def client(path: str = "/v1", key: str = "sim-python") -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=URL + path, max_retries=0)


class Chat(unittest.TestCase):
    def test_completion_and_request_id(self):
        reply = client().chat.completions.create(model="sim-chat", messages=ASK, n=2, logprobs=True, top_logprobs=3)
        self.assertEqual([choice.index for choice in reply.choices], [0, 1])
        self.assertEqual(reply.choices[0].finish_reason, "stop")
        self.assertEqual(sum(len(choice.logprobs.content) for choice in reply.choices), reply.usage.completion_tokens)
        self.assertTrue(reply._request_id.startswith("req_"))

    def test_stream_with_usage(self):
        chunks = list(
            client().chat.completions.create(
                model="sim-chat", messages=ASK, stream=True, stream_options={"include_usage": True}
            )
        )
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-2].choices[0].finish_reason, "stop")
        self.assertEqual(chunks[-1].choices, [])
        self.assertGreater(chunks[-1].usage.completion_tokens, 10)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))

    def test_stream_helper_puts_tool_calls_together(self):
        with client().chat.completions.stream(model="sim-chat", messages=ASK, tools=[TOOL]) as stream:
            final = stream.get_final_completion()
        call = final.choices[0].message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        self.assertIn("city", json.loads(call.function.arguments))
        self.assertEqual(final.choices[0].finish_reason, "tool_calls")

    def test_parse_reads_a_schema(self):
        import pydantic

        class Book(pydantic.BaseModel):
            title: str
            pages: int

        reply = client().chat.completions.parse(model="sim-chat", messages=ASK, response_format=Book)
        self.assertIsInstance(reply.choices[0].message.parsed, Book)

    def test_parse_raises_where_the_answer_was_cut_short(self):
        with self.assertRaises(openai.LengthFinishReasonError):
            client().chat.completions.parse(model="sim-chat", messages=ASK, max_tokens=2, response_format=dict_model())

    def test_errors_are_the_clients_own_types(self):
        cases = {
            "401": openai.AuthenticationError,
            "403": openai.PermissionDeniedError,
            "404": openai.NotFoundError,
            "400": openai.BadRequestError,
            "429": openai.RateLimitError,
            "500": openai.InternalServerError,
            "503": openai.InternalServerError,
            "502-html": openai.InternalServerError,
            "reset": openai.APIConnectionError,
        }
        for fault, expected in cases.items():
            with self.subTest(fault), self.assertRaises(expected):
                client().chat.completions.create(model=f"sim-chat!{fault}", messages=ASK)
        with self.assertRaises(openai.AuthenticationError):
            client(key="other").chat.completions.create(model="sim-chat", messages=ASK)

    def test_an_error_event_in_a_stream_raises(self):
        stream = client().chat.completions.create(model="sim-chat!error-in-stream=3", messages=ASK, stream=True)
        seen = 0
        with self.assertRaises(openai.APIError):
            for _ in stream:
                seen += 1
        self.assertEqual(seen, 3)


class Images(unittest.TestCase):
    def test_generate(self):
        reply = client().images.generate(model="sim-image", prompt="a cat", n=2, size="1536x1024")
        self.assertEqual([pictures.size_at(image.url) for image in reply.data], [(1536, 1024)] * 2)
        self.assertEqual(reply.usage.total_tokens, reply.usage.input_tokens + reply.usage.output_tokens)
        encoded = client().images.generate(model="gpt-image-1.5", prompt="a cat")
        self.assertEqual(pictures.size_of_base64(encoded.data[0].b64_json), (1024, 1024))

    def test_edit_one_and_many(self):
        image = ("a.png", pictures.png(64, 48), "image/png")
        one = client().images.edit(model="sim-image", prompt="a hat", image=image)
        many = client().images.edit(model="sim-image", prompt="a hat", image=[image, image], n=2, size="512x512")
        self.assertEqual(len(one.data), 1)
        self.assertEqual([pictures.size_at(each.url) for each in many.data], [(512, 512)] * 2)

    def test_stream(self):
        events = list(
            client().images.generate(model="gpt-image-1.5", prompt="a cat", stream=True, partial_images=1)
        )
        self.assertEqual(
            [event.type for event in events], ["image_generation.partial_image", "image_generation.completed"]
        )
        self.assertGreater(events[-1].usage.output_tokens, 0)


class Models(unittest.TestCase):
    def test_list_and_retrieve(self):
        self.assertIn("sim-chat", [model.id for model in client().models.list()])
        self.assertEqual(client().models.retrieve("sim-chat").object, "model")


class CompatibleMode(unittest.TestCase):
    def test_thinking_stream(self):
        stream = client("/compatible-mode/v1").chat.completions.create(
            model="qwen-plus",
            messages=ASK,
            stream=True,
            stream_options={"include_usage": True},
            extra_body={"enable_thinking": True},
        )
        chunks = list(stream)
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        reasoning = [delta.reasoning_content for delta in deltas if getattr(delta, "reasoning_content", None)]
        self.assertGreater(len(reasoning), 5)
        self.assertGreater(chunks[-1].usage.completion_tokens_details.reasoning_tokens, 5)

    def test_arrearage(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            client("/compatible-mode/v1").chat.completions.create(model="qwen-plus!overdue", messages=ASK)
        self.assertEqual((raised.exception.code, raised.exception.type), ("Arrearage", "Arrearage"))


def dict_model():
    import pydantic

    class Answer(pydantic.BaseModel):
        text: str
        other: str

    return Answer


if __name__ == "__main__":
    unittest.main()
