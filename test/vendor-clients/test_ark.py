"""The simulator's Ark side, read by Ark's own client."""

import os
import unittest

from volcenginesdkarkruntime import Ark
from volcenginesdkarkruntime import _exceptions as errors

import pictures

client = Ark(api_key="sim-python", base_url=os.environ["SIMULATOR_URL"] + "/api/v3", max_retries=0)
ASK = [{"role": "user", "content": "介绍长江"}]
SEED = "doubao-seed-1-6-250615"
SEEDREAM = "doubao-seedream-4-0-250828"


class Chat(unittest.TestCase):
    def test_completion_with_nulls_for_all_unset_fields(self):
        reply = client.chat.completions.create(model=SEED, messages=ASK, max_completion_tokens=64)
        self.assertTrue(reply.choices[0].message.reasoning_content)
        self.assertLessEqual(reply.usage.completion_tokens, 64)
        plain = client.chat.completions.create(model=SEED, messages=ASK, thinking={"type": "disabled"})
        self.assertIsNone(plain.choices[0].message.reasoning_content)

    def test_stream_with_usage(self):
        chunks = list(
            client.chat.completions.create(
                model=SEED, messages=ASK, stream=True, stream_options={"include_usage": True}
            )
        )
        self.assertEqual(chunks[-2].choices[0].finish_reason, "stop")
        self.assertGreater(chunks[-1].usage.completion_tokens, 10)
        self.assertGreater(chunks[-1].usage.completion_tokens_details.reasoning_tokens, 5)

    def test_an_error_in_a_stream(self):
        with self.assertRaises(errors.ArkAPIError) as raised:
            list(client.chat.completions.create(model=f"{SEED}!error-in-stream", messages=ASK, stream=True))
        self.assertEqual(raised.exception.code, "InternalServiceError")

    def test_errors_are_the_clients_own_types(self):
        cases = {
            "400": (errors.ArkBadRequestError, "InvalidParameter"),
            "401": (errors.ArkAuthenticationError, "AuthenticationError"),
            "overdue": (errors.ArkPermissionDeniedError, "AccountOverdueError"),
            "404": (errors.ArkNotFoundError, "InvalidEndpointOrModel.NotFound"),
            "429": (errors.ArkRateLimitError, "ModelAccountRpmRateLimitExceeded"),
            "500": (errors.ArkInternalServerError, "InternalServiceError"),
        }
        for fault, (expected, code) in cases.items():
            with self.subTest(fault), self.assertRaises(expected) as raised:
                client.chat.completions.create(model=f"{SEED}!{fault}", messages=ASK)
            self.assertEqual(raised.exception.code, code)


class Images(unittest.TestCase):
    def test_text_to_image(self):
        reply = client.images.generate(model=SEEDREAM, prompt="a cat", size="1760x2368", watermark=False)
        self.assertEqual(pictures.size_at(reply.data[0].url), (1760, 2368))
        self.assertEqual((reply.usage.generated_images, reply.usage.output_tokens), (1, 16280))
        encoded = client.images.generate(model=SEEDREAM, prompt="a cat", size="1K", response_format="b64_json")
        self.assertEqual(pictures.size_of_base64(encoded.data[0].b64_json), (1024, 1024))

    def test_edit(self):
        reply = client.images.generate(
            model="doubao-seededit-3-0-i2i-250628", prompt="a hat", image=pictures.data_url(640, 480), size="adaptive"
        )
        self.assertEqual(pictures.size_at(reply.data[0].url), (640, 480))

    def group(self, model: str, **options):
        from volcenginesdkarkruntime.types.images import SequentialImageGenerationOptions

        return client.images.generate(
            model=model,
            prompt="three cats",
            image=[pictures.data_url(640, 480), pictures.data_url(640, 480)],
            sequential_image_generation="auto",
            sequential_image_generation_options=SequentialImageGenerationOptions(max_images=3),
            **options,
        )

    def test_a_group_with_a_failed_member(self):
        reply = self.group(f"{SEEDREAM}!partial")
        self.assertEqual([bool(image.url) for image in reply.data], [True, False, True])
        self.assertEqual(reply.data[1].error["code"], "OutputImageSensitiveContentDetected")
        self.assertEqual(reply.usage.generated_images, 2)

    def test_stream(self):
        events = list(self.group(SEEDREAM, stream=True))
        self.assertEqual(
            [event.type for event in events],
            ["image_generation.partial_succeeded"] * 3 + ["image_generation.completed"],
        )
        with self.assertRaises(errors.ArkAPIError):
            list(self.group(f"{SEEDREAM}!partial", stream=True))

    def test_a_size_with_too_few_pixels(self):
        with self.assertRaises(errors.ArkBadRequestError) as raised:
            client.images.generate(model="doubao-seedream-4-5-251128", prompt="a cat", size="1024x1024")
        self.assertIn("`size`", raised.exception.message)


if __name__ == "__main__":
    unittest.main()
