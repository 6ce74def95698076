"""The embedder behind an endpoint, against a server on this machine that answers well, badly, late or not at all."""

from __future__ import annotations

import json
import threading
import traceback
from typing import Any

import numpy as np
import pytest

from memos_core.errors import EmbedderUnavailable, InvalidInput
from memos_core.inference.openai import OpenAIEmbedder

KEY, TEXT = "sk-very-secret", "a very private sentence"


def embedding(text: str, dim: int = 4) -> list[float]:
    return [float(len(text) + 1), *([3.0] * (dim - 1))]


def well(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    asked = json.loads(body)
    rows = [{"index": at, "embedding": embedding(text, asked.get("dimensions", 4))} for at, text in enumerate(asked["input"])]
    return 200, {}, json.dumps({"data": list(reversed(rows))}).encode()


def after(*replies: Any) -> Any:
    left = list(replies)
    return lambda path, body: left.pop(0) if left else well(path, body)


def open_it(web: Any, **more: Any) -> OpenAIEmbedder:
    return OpenAIEmbedder(web.address + "/v1", "small", KEY, **({"first_wait": 0.001, "timeout": 5.0} | more))


def test_vectors_come_in_the_order_of_the_texts_and_of_unit_length(web: Any) -> None:
    web.reply = well
    texts = ["a", "bbb", "cc", "", "dddddd"]
    vectors = open_it(web, batch=2).embed(texts)
    expected = np.array([embedding(text or " ") for text in texts])
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert [len(json.loads(body)["input"]) for _, body, _ in web.asked] == [2, 2, 1]


def test_the_endpoint_is_asked_as_openai_is(web: Any) -> None:
    web.reply = well
    assert open_it(web, dim=7).query("hi").shape == (7,)
    path, body, headers = web.asked[0]
    assert path == "/v1/embeddings"
    assert json.loads(body) == {"model": "small", "input": ["hi"], "encoding_format": "float", "dimensions": 7}
    assert headers["Authorization"] == f"Bearer {KEY}"


def test_without_a_key_none_is_sent(web: Any) -> None:
    web.reply = well
    OpenAIEmbedder(web.address, "small").query("hi")
    assert "Authorization" not in web.asked[0][2]


def test_the_length_is_learnt_once_when_it_is_first_needed(web: Any) -> None:
    web.reply = well
    embedder = open_it(web)
    assert not web.asked
    assert (embedder.dim, embedder.dim, embedder.embed([]).shape) == (4, 4, (0, 4))
    assert len(web.asked) == 1


def test_long_and_odd_texts_are_sent_in_a_readable_form(web: Any) -> None:
    web.reply = well
    open_it(web, max_chars=10).embed(["x" * 100, "half \ud83d"])
    assert json.loads(web.asked[0][1])["input"] == ["x" * 10, "half ?"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(web: Any, status: int) -> None:
    web.reply = after((status, {}, b"later"), (status, {"Retry-After": "0"}, b"later"))
    assert open_it(web).query("hi").shape == (4,)
    assert len(web.asked) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 422, 501])
def test_what_will_not_pass_is_not_tried_again(web: Any, status: int) -> None:
    web.reply = after((status, {"Location": "/elsewhere"}, b"no"))
    with pytest.raises(EmbedderUnavailable, match=str(status)):
        open_it(web).query("hi")
    assert len(web.asked) == 1


def test_it_gives_up_after_its_tries_and_works_again_later(web: Any) -> None:
    web.reply = after(*[(500, {}, b"")] * 3)
    embedder = open_it(web)
    with pytest.raises(EmbedderUnavailable, match="500") as caught:
        embedder.query("hi")
    assert caught.value.retryable
    assert len(web.asked) == 3
    assert embedder.query("hi").shape == (4,)


def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(web: Any) -> None:
    web.reply = after((429, {"Retry-After": "3600"}, b""))
    with pytest.raises(EmbedderUnavailable, match="429"):
        open_it(web).query("hi")
    assert len(web.asked) == 1


def test_a_server_that_does_not_answer_in_time_is_given_up(web: Any) -> None:
    release = threading.Event()

    def late(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        release.wait(10)
        return well(path, body)

    web.reply = late
    with pytest.raises(EmbedderUnavailable, match="ReadTimeout"):
        open_it(web, timeout=0.05, tries=2).query("hi")
    release.set()
    assert len(web.asked) == 2


def test_a_server_that_drips_its_answer_is_given_up(web: Any) -> None:
    web.reply = lambda path, body: (200, {}, [b" "] * 500)
    with pytest.raises(EmbedderUnavailable, match="took too long"):
        open_it(web, timeout=0.2, tries=1).query("hi")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(EmbedderUnavailable, match="ConnectError"):
        OpenAIEmbedder("http://127.0.0.1:9/v1", "small", first_wait=0.001).query("hi")


def test_a_connection_that_breaks_is_tried_again(web: Any) -> None:
    web.reply = after((200, {"Content-Length": "500"}, b'{"data"'))
    assert open_it(web).query("hi").shape == (4,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": [1]}',
        b'{"data": [{"embedding": "AAAA"}]}',
        b'{"data": [{"embedding": []}]}',
        b'{"data": [{"embedding": [0, 0]}]}',
        b'{"data": [{"embedding": [NaN, 1]}]}',
        b'{"data": [{"embedding": [1e999, 1]}]}',
        b'{"data": [{"embedding": [null, 1]}]}',
        b'{"data": [{"embedding": {"a": 1}}]}',
        b'{"data": [{"index": "x", "embedding": [1, 2]}, {"index": 1, "embedding": [1, 2]}]}',
        b'{"data": [{"embedding": [1, 2]}, {"embedding": [1, 2]}]}',
        b'{"data": [{"embedding": [' + b"9" * 400 + b", 1]}]}",
        b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
def test_an_answer_that_makes_no_sense_is_unavailable(web: Any, content: bytes) -> None:
    web.reply = lambda path, body: (200, {}, content)
    with pytest.raises(EmbedderUnavailable):
        open_it(web).query("hi")
    assert len(web.asked) == 1


def test_vectors_of_changing_length_are_refused(web: Any) -> None:
    web.reply = lambda path, body: (200, {}, json.dumps({"data": [{"embedding": [1.0] * (len(web.asked) + 1)}]}).encode())
    embedder = open_it(web, batch=1)
    with pytest.raises(EmbedderUnavailable, match="length"):
        embedder.embed(["a", "b"])


@pytest.mark.parametrize("reply", [(401, {}, b"bad key " + KEY.encode()), (500, {}, TEXT.encode()), (200, {}, TEXT.encode())])
def test_neither_key_nor_text_is_in_what_is_raised_or_logged(web: Any, reply: Any, caplog: pytest.LogCaptureFixture) -> None:
    web.reply = lambda path, body: reply
    caplog.set_level("DEBUG")
    with pytest.raises(EmbedderUnavailable) as caught:
        open_it(web).embed([TEXT])
    said = "".join(traceback.format_exception_only(caught.value)) + str(caught.value.facts) + caplog.text
    assert KEY not in said
    assert TEXT not in said


@pytest.mark.parametrize("key", ["sk-1\n", "sk-é", "sk-1\r\nX-Other: 1"])
def test_a_key_that_can_not_be_sent_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        OpenAIEmbedder("http://127.0.0.1:9", "small", key)
    assert key not in str(caught.value)


def test_the_digest_tells_endpoints_models_and_lengths_apart() -> None:
    made = [
        OpenAIEmbedder("http://one/v1", "a"),
        OpenAIEmbedder("http://two/v1", "a"),
        OpenAIEmbedder("http://one/v1", "b"),
        OpenAIEmbedder("http://one/v1", "a", dim=3),
    ]
    assert len({embedder.digest for embedder in made}) == 4
    assert OpenAIEmbedder("http://one/v1/", "a", "another key").digest == made[0].digest


def test_a_closed_embedder_is_unavailable(web: Any) -> None:
    web.reply = well
    embedder = open_it(web)
    embedder.close()
    with pytest.raises(EmbedderUnavailable):
        embedder.query("hi")
