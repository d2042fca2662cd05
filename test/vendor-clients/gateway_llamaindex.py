"""The gateway, read by LlamaIndex for Python with nothing but api_base and api_key set."""

import asyncio
import base64
import json
import os
import unittest

import openai
import pydantic
from llama_index.core.llms import ChatMessage, DocumentBlock, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

URL = os.environ["GATEWAY_URL"] + "/v1"
KEY = os.environ["GATEWAY_KEY"]
ASK = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="How is the weather?")]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
RECEIVED = {"promptTokens": 0, "completionTokens": 0, "images": 0}


def llm(model: str = "sim-chat", key: str = KEY, **options) -> OpenAILike:
    settings = {"is_chat_model": True, "is_function_calling_model": True, "max_retries": 0, **options}
    return OpenAILike(model=model, api_base=URL, api_key=key, **settings)


def vectors(**options) -> OpenAILikeEmbedding:
    return OpenAILikeEmbedding(model_name="sim-embedding", api_base=URL, api_key=KEY, max_retries=0, **options)


def noted(answer):
    usage = answer.raw.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage
    RECEIVED["promptTokens"] += usage.prompt_tokens
    RECEIVED["completionTokens"] += usage.completion_tokens
    return answer


def weather(city: str) -> str:
    """The weather of a city."""
    return f"it is sunny in {city}"


TOOL = FunctionTool.from_defaults(weather)


class Book(pydantic.BaseModel):
    title: str
    pages: int


class Chat(unittest.TestCase):
    def test_whole_and_cut(self):
        self.assertGreater(len(noted(llm().chat(ASK)).message.content), 10)
        self.assertEqual(noted(llm(max_tokens=5).chat(ASK)).raw.usage.completion_tokens, 5)

    def test_completion(self):
        self.assertGreater(len(noted(llm().complete("Tell me about the sea.")).text), 10)

    def test_stream(self):
        wanted = {"stream_options": {"include_usage": True}}
        chunks = list(llm(additional_kwargs=wanted).stream_chat(ASK))
        self.assertEqual("".join(chunk.delta or "" for chunk in chunks), chunks[-1].message.content)
        self.assertGreater(len(chunks[-1].message.content), 10)
        noted(chunks[-1])

    def test_asynchronous(self):
        self.assertGreater(len(noted(asyncio.run(llm().achat(ASK))).message.content), 10)

    def test_picture_and_document(self):
        pdf = b"%PDF-1.4\nBT (The ferry leaves at noon.) Tj ET"
        for block in (ImageBlock(image=PIXEL), DocumentBlock(data=base64.b64encode(pdf), document_mimetype="application/pdf")):
            message = ChatMessage(role="user", blocks=[TextBlock(text="What is this?"), block])
            self.assertGreater(len(noted(llm().chat([message])).message.content), 10)


class Tools(unittest.TestCase):
    def test_round_trip(self):
        model = llm()
        asked = noted(model.chat_with_tools([TOOL], chat_history=ASK))
        (call,) = model.get_tool_calls_from_response(asked)
        self.assertEqual(call.tool_name, "weather")
        said = str(TOOL(**call.tool_kwargs))
        result = ChatMessage(role="tool", content=said, additional_kwargs={"tool_call_id": call.tool_id})
        answer = noted(model.chat_with_tools([TOOL], chat_history=[*ASK, asked.message, result]))
        self.assertRegex(answer.message.content, "sunny")

    def test_forced_and_streamed(self):
        wanted = {"stream_options": {"include_usage": True}}
        model = llm(additional_kwargs=wanted)
        *_, last = model.stream_chat_with_tools([TOOL], chat_history=ASK, tool_required=True)
        noted(last)
        (call,) = model.get_tool_calls_from_response(last)
        self.assertIn("city", call.tool_kwargs)

    def test_structured_answer(self):
        # Its usage is not passed on, so another customer pays.
        model = llm(key=os.environ["OTHER_KEY"], should_use_structured_outputs=True)
        Book.model_validate_json(model.as_structured_llm(Book).chat(ASK).message.content)


class Embeddings(unittest.TestCase):
    def test_one_and_several(self):
        self.assertEqual(len(vectors(dimensions=8).get_text_embedding("The sea")), 8)
        texts = ["The sea", "A lighthouse", "A hill"]
        self.assertEqual([len(each) for each in vectors(dimensions=8).get_text_embedding_batch(texts)], [8, 8, 8])
        self.assertEqual(len(vectors().get_query_embedding("The sea")), 1536)


class Errors(unittest.TestCase):
    def test_status_and_code(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            llm("no-such-model").chat(ASK)
        self.assertEqual(raised.exception.code, "model_not_found")
        with self.assertRaises(openai.BadRequestError):
            llm(additional_kwargs={"top_p": 9}).chat(ASK)
        with self.assertRaises(openai.AuthenticationError):
            llm(key="ak-wrong").chat(ASK)


def tearDownModule():
    print("received " + json.dumps(RECEIVED))


if __name__ == "__main__":
    unittest.main()
