"""The simulator's DashScope side, read by DashScope's own client."""

import os
import unittest

import dashscope
from dashscope import ImageSynthesis, MultiModalConversation
from dashscope.aigc.image_generation import ImageGeneration
from dashscope.api_entities.dashscope_response import Message

import pictures

dashscope.base_http_api_url = os.environ["SIMULATOR_URL"] + "/api/v1"
KEY = "sim-python"
TEXT = [{"role": "user", "content": [{"text": "a cat"}]}]


class Tasks(unittest.TestCase):
    def test_call_waits_for_the_pictures(self):
        reply = ImageSynthesis.call(api_key=KEY, model="wan2.2-t2i-flash", prompt="a cat", n=2, size="1024*768")
        self.assertEqual((reply.status_code, reply.output.task_status), (200, "SUCCEEDED"))
        self.assertEqual([pictures.size_at(result.url) for result in reply.output.results], [(1024, 768)] * 2)
        self.assertEqual(reply.usage.image_count, 2)

    def test_submit_look_wait(self):
        submitted = ImageSynthesis.async_call(api_key=KEY, model="wan2.5-t2i-preview", prompt="a cat", n=1)
        self.assertEqual(submitted.output.task_status, "PENDING")
        looked = ImageSynthesis.fetch(submitted, api_key=KEY)
        self.assertEqual(looked.output.task_id, submitted.output.task_id)
        done = ImageSynthesis.wait(submitted, api_key=KEY)
        self.assertEqual(pictures.size_at(done.output.results[0].url), (1280, 1280))

    def test_four_pictures_where_n_is_left_out(self):
        reply = ImageSynthesis.call(api_key=KEY, model="wan2.2-t2i-flash", prompt="a cat")
        self.assertEqual(len(reply.output.results), 4)

    def test_cancel_and_list(self):
        submitted = ImageSynthesis.async_call(api_key=KEY, model="wan2.2-t2i-flash!slow-task=60000", prompt="a cat", n=1)
        listed = ImageSynthesis.list(api_key=KEY, status="PENDING", page_size=100)
        self.assertIn(submitted.output.task_id, [task["task_id"] for task in listed.output["data"]])
        self.assertEqual(ImageSynthesis.cancel(submitted, api_key=KEY).status_code, 200)
        refused = ImageSynthesis.cancel(submitted, api_key=KEY)
        self.assertEqual((refused.status_code, refused.code), (400, "UnsupportedOperation"))
        self.assertEqual(ImageSynthesis.fetch(submitted, api_key=KEY).output.task_status, "CANCELED")

    def test_failed_partial_and_unknown(self):
        failed = ImageSynthesis.call(api_key=KEY, model="wan2.2-t2i-flash!failed-task", prompt="a cat", n=1)
        self.assertEqual((failed.status_code, failed.output.task_status), (200, "FAILED"))
        partial = ImageSynthesis.call(api_key=KEY, model="wan2.2-t2i-flash!partial", prompt="a cat", n=2)
        self.assertEqual(partial.output.task_status, "SUCCEEDED")
        self.assertEqual([bool(result.url) for result in partial.output.results], [True, False])
        self.assertEqual(partial.usage.image_count, 1)
        unknown = ImageSynthesis.fetch("00000000-0000-0000-0000-000000000000", api_key=KEY)
        self.assertEqual(unknown.output.task_status, "UNKNOWN")

    def test_edits(self):
        edited = ImageSynthesis.call(
            api_key=KEY,
            model="wanx2.1-imageedit",
            prompt="a hat",
            function="description_edit",
            base_image_url="https://example.com/base.png",
            n=1,
        )
        self.assertEqual(edited.output.task_status, "SUCCEEDED")
        composed = ImageSynthesis.call(
            api_key=KEY, model="wan2.5-i2i-preview", prompt="a hat", images=[pictures.data_url(800, 800)], n=1
        )
        self.assertEqual(len(composed.output.results), 1)


class Messages(unittest.TestCase):
    def test_multimodal(self):
        made = MultiModalConversation.call(
            api_key=KEY, model="qwen-image-plus", messages=TEXT, size="1328*1328", n=1, watermark=False
        )
        self.assertEqual(made.status_code, 200)
        self.assertEqual(pictures.size_at(made.output.choices[0].message.content[0]["image"]), (1328, 1328))
        content = [{"image": pictures.data_url(600, 400)}, {"text": "a hat"}]
        edited = MultiModalConversation.call(
            api_key=KEY, model="qwen-image-edit-plus", messages=[{"role": "user", "content": content}], n=2
        )
        self.assertEqual(len(edited.output.choices[0].message.content), 2)

    def test_image_generation_at_once_and_as_a_task(self):
        message = Message(role="user", content=[{"text": "a cat"}])
        made = ImageGeneration.call(api_key=KEY, model="wan2.6-t2i", messages=[message], n=2, size="1280*1280")
        self.assertEqual(len(made.output.choices), 2)
        task = ImageGeneration.async_call(api_key=KEY, model="wan2.6-t2i", messages=[message], n=1)
        done = ImageGeneration.wait(task, api_key=KEY)
        self.assertEqual(done.output.task_status, "SUCCEEDED")
        self.assertEqual(pictures.size_at(done.output.choices[0].message.content[0]["image"]), (1280, 1280))

    def test_interleaved_stream(self):
        message = Message(role="user", content=[{"text": "a tutorial"}])
        events = list(
            ImageGeneration.call(
                api_key=KEY, model="wan2.6-image", messages=[message], stream=True, enable_interleave=True, max_images=1, n=1
            )
        )
        self.assertTrue(all(event.status_code == 200 for event in events))
        self.assertEqual([event.output.choices[0].finish_reason for event in events], ["null", "stop"])
        self.assertIn("image", events[-1].output.choices[0].message.content[0])

    def test_an_error_in_a_stream(self):
        message = Message(role="user", content=[{"text": "a tutorial"}])
        events = list(
            ImageGeneration.call(
                api_key=KEY,
                model="wan2.6-image!error-in-stream=1",
                messages=[message],
                stream=True,
                enable_interleave=True,
                n=1,
            )
        )
        # The client gives every error event the status 400, whatever the comment line says.
        self.assertEqual(events[-1].code, "InternalError")
        self.assertNotEqual(events[-1].status_code, 200)


class Errors(unittest.TestCase):
    def test_status_and_code(self):
        cases = {
            "wan2.2-t2i-flash!429": (429, "Throttling.RateQuota"),
            "wan2.2-t2i-flash!overdue": (400, "Arrearage"),
            "wan2.2-t2i-flash!refused": (400, "DataInspectionFailed"),
            "wan2.2-t2i-flash!500": (500, "InternalError"),
            "no-such-model": (400, "InvalidParameter"),
            "qwen-image-max": (403, "AccessDenied"),
            "wan2.6-t2i": (400, "InvalidParameter"),
        }
        for model, expected in cases.items():
            with self.subTest(model):
                reply = ImageSynthesis.async_call(api_key=KEY, model=model, prompt="a cat", n=1)
                self.assertEqual((reply.status_code, reply.code), expected)
                self.assertTrue(reply.request_id)
        reply = ImageSynthesis.async_call(api_key="other", model="wan2.2-t2i-flash", prompt="a cat")
        self.assertEqual((reply.status_code, reply.code), (401, "InvalidApiKey"))


if __name__ == "__main__":
    unittest.main()
