"""The gateway, read by OpenAI's Python client with nothing but base_url and api_key set."""

import asyncio
import io
import json
import os
import time
import unittest

import httpx
import openai
import pydantic

import pictures

URL = os.environ["GATEWAY_URL"]
KEY = os.environ["GATEWAY_KEY"]
ASK = [{"role": "user", "content": "What is the weather in Hamburg?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
RECEIVED = {"promptTokens": 0, "completionTokens": 0, "images": 0, "characters": 0, "audioSeconds": 0}


def client(key: str = KEY, **options) -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=URL + "/v1", **{"max_retries": 0, **options})


def noted(usage) -> None:
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage
    RECEIVED["promptTokens"] += usage.prompt_tokens
    RECEIVED["completionTokens"] += usage.completion_tokens


class Book(pydantic.BaseModel):
    title: str
    pages: int


class Chat(unittest.TestCase):
    def test_whole_with_headers(self):
        raw = client().chat.completions.with_raw_response.create(model="sim-chat", messages=ASK, max_completion_tokens=9)
        reply = raw.parse()
        self.assertEqual(reply.choices[0].finish_reason, "length")
        self.assertEqual(reply.usage.completion_tokens, 9)
        self.assertEqual(reply.model, "sim-chat")
        self.assertGreater(float(raw.headers["x-cost"]), 0)
        self.assertEqual(reply._request_id, raw.headers["x-request-id"])
        noted(reply.usage)

    def test_stream_with_usage(self):
        stream = client().chat.completions.create(
            model="sim-chat", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        self.assertGreater(len("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)), 10)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))
        noted(chunks[-1].usage)

    def test_tool_round_trip(self):
        first = client().chat.completions.create(model="sim-chat", messages=ASK, tools=[TOOL], tool_choice="required")
        noted(first.usage)
        message = first.choices[0].message
        call = message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        result = {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"weather": "sunny"})}
        second = client().chat.completions.create(model="sim-chat", messages=[*ASK, message, result], tools=[TOOL])
        noted(second.usage)
        self.assertIn("sunny", second.choices[0].message.content)

    def test_stream_helper_puts_tool_calls_together(self):
        options = {"tools": [TOOL], "tool_choice": "required", "stream_options": {"include_usage": True}}
        with client().chat.completions.stream(model="sim-chat", messages=ASK, **options) as stream:
            final = stream.get_final_completion()
        self.assertIn("city", json.loads(final.choices[0].message.tool_calls[0].function.arguments))
        noted(final.usage)

    def test_parse_reads_a_schema(self):
        reply = client().chat.completions.parse(model="sim-chat", messages=ASK, response_format=Book)
        self.assertIsInstance(reply.choices[0].message.parsed, Book)
        noted(reply.usage)

    def test_a_picture_to_look_at(self):
        content = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": pictures.data_url(64, 48), "detail": "low"}},
        ]
        reply = client().chat.completions.create(model="sim-vision", messages=[{"role": "user", "content": content}])
        noted(reply.usage)

    def test_reasoning_comes_with_the_message(self):
        reply = client().chat.completions.create(model="sim-thinking", messages=ASK)
        self.assertGreater(len(reply.choices[0].message.reasoning_content), 10)
        self.assertGreater(reply.usage.completion_tokens_details.reasoning_tokens, 0)
        noted(reply.usage)

    def test_many_at_once(self):
        async def ask(connected: openai.AsyncOpenAI):
            return await connected.chat.completions.create(model="sim-chat", messages=ASK)

        async def all_of_them():
            async with openai.AsyncOpenAI(api_key=KEY, base_url=URL + "/v1", max_retries=0) as connected:
                return await asyncio.gather(*(ask(connected) for _ in range(8)))

        for reply in asyncio.run(all_of_them()):
            noted(reply.usage)

    def test_a_repeated_key_is_answered_once(self):
        ask = lambda: client().chat.completions.create(  # noqa: E731
            model="sim-chat", messages=ASK, extra_headers={"Idempotency-Key": "python-once"}
        )
        first, second = ask(), ask()
        self.assertEqual(first.id, second.id)
        noted(first.usage)


RESPONSES_TOOL = {"type": "function", "strict": None, **TOOL["function"]}


class Responses(unittest.TestCase):
    def told(self, reply):
        self.assertGreater(reply.usage.input_tokens, 0)
        RECEIVED["promptTokens"] += reply.usage.input_tokens
        RECEIVED["completionTokens"] += reply.usage.output_tokens
        return reply

    def test_create_retrieve_delete(self):
        reply = self.told(client().responses.create(model="sim-chat", input="Hello", instructions="Be brief."))
        self.assertGreater(len(reply.output_text), 10)
        self.assertEqual((reply.status, reply.model), ("completed", "sim-chat"))
        self.assertEqual(client().responses.retrieve(reply.id).output_text, reply.output_text)
        self.assertEqual(client().responses.input_items.list(reply.id).data[0].content[0].text, "Hello")
        client().responses.delete(reply.id)
        with self.assertRaises(openai.NotFoundError):
            client().responses.retrieve(reply.id)

    def test_stream_and_its_helper(self):
        stream = client().responses.create(model="sim-thinking", input="What is the sea?", stream=True)
        events = list(stream)
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.told(events[-1].response)
        with client().responses.stream(model="sim-chat", input="What is the sea?") as stream:
            kinds = {event.type for event in stream}
            final = self.told(stream.get_final_response())
        self.assertIn("response.output_text.delta", kinds)
        self.assertGreater(len(final.output_text), 10)

    def test_tools_side_by_side_and_what_they_said(self):
        tools = [{**RESPONSES_TOOL, "name": name} for name in ("get_weather", "get_tides")]
        ask = {"model": "sim-chat", "input": "What do get_weather and get_tides say?", "tools": tools}
        with client().responses.stream(**ask) as stream:
            streamed = stream.get_final_response()
        for first in (client().responses.create(**ask), streamed):
            self.told(first)
            calls = [item for item in first.output if item.type == "function_call"]
            self.assertEqual([call.name for call in calls], ["get_weather", "get_tides"])
            said = [{"type": "function_call_output", "call_id": call.call_id, "output": "fine"} for call in calls]
            second = self.told(
                client().responses.create(model="sim-chat", previous_response_id=first.id, input=said, tools=tools)
            )
            self.assertEqual(second.output_text, "The result is: fine fine")

    def test_parse_a_picture_and_thoughts(self):
        parsed = self.told(client().responses.parse(model="sim-chat", input="Which book?", text_format=Book))
        self.assertIsInstance(parsed.output_parsed, Book)
        content = [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": pictures.data_url(64, 48), "detail": "low"},
        ]
        seen = client().responses.create(model="sim-vision", input=[{"role": "user", "content": content}])
        self.assertIn("One image seen", self.told(seen).output_text)
        thought = self.told(
            client().responses.create(
                model="sim-thinking",
                input="What is the sea?",
                reasoning={"summary": "auto"},
                include=["reasoning.encrypted_content"],
                store=False,
            )
        )
        self.assertGreater(len(thought.output[0].summary[0].text), 10)
        self.assertGreater(thought.usage.output_tokens_details.reasoning_tokens, 0)
        going = [*thought.output, {"role": "user", "content": "And?"}]
        self.told(client().responses.create(model="sim-thinking", input=going, store=False))

    def test_a_model_that_speaks_responses_itself(self):
        ask = {"model": "sim-native", "input": 'call get_weather with {"city":"Rome"}', "tools": [RESPONSES_TOOL]}
        with client().responses.stream(**ask, reasoning={"summary": "auto"}) as stream:
            events = list(stream)
            streamed = stream.get_final_response()
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        for first in (client().responses.create(**ask), streamed):
            thought, call = self.told(first).output
            self.assertTrue(thought.encrypted_content.startswith("sim-encrypted-"))
            said = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
            kept = client().responses.create(model="sim-native", previous_response_id=first.id, input=[said])
            self.assertEqual(self.told(kept).output_text, "The result is: sunny")
            own = [{"role": "user", "content": ask["input"]}, thought, call, said]
            sent = self.told(client().responses.create(model="sim-native", input=own, store=False))
            self.assertEqual(sent.usage.input_tokens, kept.usage.input_tokens)

    def test_errors(self):
        for kind, options in {
            openai.NotFoundError: {"model": "no-such-model", "input": "x"},
            openai.BadRequestError: {"model": "sim-chat", "input": "x", "temperature": 9},
        }.items():
            with self.assertRaises(kind):
                client().responses.create(**options)


class Images(unittest.TestCase):
    def received(self, reply, count: int, size=None):
        self.assertEqual(len(reply.data), count)
        for image in reply.data:
            found = pictures.size_of_base64(image.b64_json)
            if size is not None:
                self.assertEqual(found, size)
        RECEIVED["images"] += count

    def test_generate(self):
        reply = client().images.generate(model="sim-image", prompt="a cat", n=2, size="1536x1024")
        self.received(reply, 2, (1536, 1024))
        self.assertEqual(reply.output_format, "png")
        linked = client().images.generate(model="sim-image", prompt="a cat", response_format="url")
        self.assertGreater(pictures.size_at(linked.data[0].url)[0], 0)
        RECEIVED["images"] += 1

    def test_edit_one_and_many(self):
        image = ("a.png", pictures.png(64, 48), "image/png")
        self.received(client().images.edit(model="sim-image", prompt="a hat", image=image), 1)
        self.received(client().images.edit(model="sim-image", prompt="a hat", image=io.BytesIO(pictures.png(9, 9))), 1)
        many = client().images.edit(model="sim-image", prompt="a hat", image=[image, image], mask=image, size="512x512")
        self.received(many, 1, (512, 512))


class Embeddings(unittest.TestCase):
    def test_texts_become_vectors(self):
        reply = client().embeddings.create(model="sim-embedding", input=["The sea", "A lighthouse"], dimensions=8)
        self.assertEqual([len(each.embedding) for each in reply.data], [8, 8])
        self.assertGreater(reply.usage.prompt_tokens, 0)


class Speech(unittest.TestCase):
    def test_spoken_and_heard(self):
        words = "A lighthouse at dusk."
        ask = {"model": "sim-speech", "voice": "alloy", "response_format": "wav"}
        spoken = client().audio.speech.create(input=words, **ask).read()
        RECEIVED["characters"] += len(words)
        self.assertEqual(spoken[:4], b"RIFF")
        recording = ("speech.wav", spoken, "audio/wav")
        heard = client().audio.transcriptions.create(model="sim-transcribe", file=recording)
        self.assertEqual(heard.text, "the light of")
        self.assertEqual(heard.usage.seconds, 2)
        lines = client().audio.transcriptions.create(model="sim-transcribe", file=recording, response_format="srt")
        self.assertIn("-->", lines)
        told = client().audio.transcriptions.create(
            model="sim-transcribe", file=recording, response_format="verbose_json", timestamp_granularities=["word"]
        )
        self.assertAlmostEqual(told.duration, 21 / 16, places=3)
        # Each of the three was asked for the same recording.
        RECEIVED["audioSeconds"] += 3 * 2
        with client().audio.speech.with_streaming_response.create(input=words * 100, **ask) as stream:
            self.assertGreater(len(list(stream.iter_bytes(1024))), 10)
        RECEIVED["characters"] += len(words) * 100

    def test_moderated(self):
        judged = client().moderations.create(model="sim-moderation", input=["a lamb", "I will harm you"])
        self.assertEqual([one.flagged for one in judged.results], [False, True])


class Batches(unittest.TestCase):
    ENDED = ("completed", "failed", "expired", "cancelled")

    def line(self, name: str, **body):
        ask = {"model": "sim-chat", "max_tokens": 8, "messages": ASK, **body}
        return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": ask}

    def upload(self, *lines):
        text = "\n".join(json.dumps(each) for each in lines).encode()
        return client().files.create(file=("lines.jsonl", text), purpose="batch")

    def ended(self, file, endpoint="/v1/chat/completions", **more):
        made = client().batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more)
        while True:
            batch = client().batches.retrieve(made.id)
            if batch.status in self.ENDED:
                return batch
            time.sleep(0.1)

    def lines_of(self, file_id: str):
        return [json.loads(each) for each in client().files.content(file_id).text.splitlines()]

    def answers(self, batch):
        answers = self.lines_of(batch.output_file_id)
        for each in answers:
            usage = each["response"]["body"]["usage"]
            RECEIVED["promptTokens"] += usage["prompt_tokens"]
            RECEIVED["completionTokens"] += usage["completion_tokens"]
        return answers

    def test_files(self):
        file = self.upload(self.line("a"))
        self.assertEqual(client().files.retrieve(file.id).bytes, file.bytes)
        self.assertIn(file.id, [each.id for each in client().files.list(limit=1)])
        self.assertEqual(self.lines_of(file.id)[0]["custom_id"], "a")
        self.assertTrue(client().files.delete(file.id).deleted)
        with self.assertRaises(openai.NotFoundError):
            client().files.content(file.id)

    def test_files_expire_and_are_listed_in_order(self):
        after = {"anchor": "created_at", "seconds": 3600}
        kept = [
            client().files.create(file=("a.txt", b"a"), purpose="evals", expires_after=after),
            client().files.create(file=("b.txt", b"b"), purpose="evals"),
        ]
        self.assertEqual(kept[0].expires_at, kept[0].created_at + 3600)
        self.assertGreater(kept[1].expires_at, kept[1].created_at + 3600)
        ids = [each.id for each in kept]
        self.assertEqual([each.id for each in client().files.list(purpose="evals", order="asc", limit=1)], ids)
        self.assertEqual([each.id for each in client().files.list(purpose="evals", limit=1)], ids[::-1])
        self.assertEqual([each.id for each in client().files.list(purpose="evals", order="asc", after=ids[0])], ids[1:])
        for seconds in (3599, 2_592_001):
            with self.assertRaises(openai.BadRequestError) as raised:
                client().files.create(file=("a.txt", b"a"), purpose="evals", expires_after={**after, "seconds": seconds})
            self.assertEqual(raised.exception.param, "expires_after.seconds")
        with self.assertRaises(openai.BadRequestError):
            client().files.list(extra_query={"order": "sideways"})

    def test_a_batch_ends_with_files_that_expire(self):
        after = {"anchor": "created_at", "seconds": 7200}
        batch = self.ended(self.upload(self.line("a")), output_expires_after=after)
        output = client().files.retrieve(batch.output_file_id)
        self.assertEqual(len(self.answers(batch)), 1)
        self.assertEqual(output.expires_at, output.created_at + 7200)
        # An answer that no repetition changes is not asked for again.
        sent = []
        counting = httpx.Client(event_hooks={"request": [lambda request: sent.append(request)]})
        with self.assertRaises(openai.ConflictError):
            client(http_client=counting, max_retries=2).batches.cancel(batch.id)
        self.assertEqual(len(sent), 1)

    def test_answers_and_errors_by_line(self):
        batch = self.ended(self.upload(self.line("a"), self.line("b", temperature=9), self.line("c")))
        counts = batch.request_counts
        self.assertEqual((batch.status, counts.completed, counts.failed), ("completed", 2, 1))
        self.assertEqual([each["custom_id"] for each in self.answers(batch)], ["a", "c"])
        failed = self.lines_of(batch.error_file_id)[0]
        self.assertEqual((failed["custom_id"], failed["error"]), ("b", None))
        self.assertEqual(failed["response"]["status_code"], 400)
        self.assertEqual(failed["response"]["body"]["error"]["param"], "temperature")
        self.assertIn(batch.id, [each.id for each in client().batches.list(limit=1)])

    def test_a_file_that_cannot_be_run(self):
        batch = self.ended(self.upload(self.line("a")), endpoint="/v1/embeddings")
        self.assertEqual((batch.status, batch.errors.data[0].code), ("failed", "mismatched_endpoint"))
        with self.assertRaises(openai.APIStatusError):
            client().batches.cancel(batch.id)


class Models(unittest.TestCase):
    def test_list_and_retrieve(self):
        self.assertIn("sim-chat", [model.id for model in client().models.list()])
        self.assertEqual(client().models.retrieve("sim-chat").object, "model")
        with self.assertRaises(openai.NotFoundError):
            client().models.retrieve("no-such-model")


class Errors(unittest.TestCase):
    def refused(self, kind, work):
        with self.assertRaises(kind) as raised:
            work()
        return raised.exception

    def test_types_codes_and_fields(self):
        create = client().chat.completions.create
        missing = self.refused(openai.NotFoundError, lambda: create(model="no-such-model", messages=ASK))
        self.assertEqual(missing.code, "model_not_found")
        wrong = self.refused(openai.BadRequestError, lambda: create(model="sim-chat", messages=ASK, temperature=9))
        self.assertEqual((wrong.param, wrong.type), ("temperature", "invalid_request_error"))
        self.refused(openai.BadRequestError, lambda: create(model="sim-chat", messages=[]))
        stranger = client(key="ak-wrong").chat.completions.create
        self.refused(openai.AuthenticationError, lambda: stranger(model="sim-chat", messages=ASK))
        text = self.refused(
            openai.APIStatusError,
            lambda: client().images.edit(model="sim-image", prompt="a hat", image=("a.png", b"this is a text")),
        )
        self.assertEqual(text.status_code, 415)

    def test_missing_paths_are_said_once(self):
        patient = client(max_retries=2)
        for path, work in {
            "/v1/fine_tuning/jobs": lambda: patient.fine_tuning.jobs.list(),
        }.items():
            with self.subTest(path):
                self.assertIn(path, self.refused(openai.NotFoundError, work).message)


def tearDownModule():
    print("received " + json.dumps(RECEIVED))


if __name__ == "__main__":
    unittest.main()
