"""An embedder behind any endpoint that answers `POST {base}/embeddings` as OpenAI does: OpenAI, vLLM, Ollama, LiteLLM.

Errors and retries: too many requests, server errors, time-outs and refused connections are tried again, with waits that double and as
long as the server asks for in Retry-After when that is short; all else fails at once. Neither key nor text is in any error or log.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from memos_core.errors import EmbedderUnavailable, InvalidInput
from memos_core.inference.base import Embedder

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT = 8.0
LARGEST_ANSWER = 64 << 20


class OpenAIEmbedder(Embedder):
    """Vectors from an endpoint. Safe to use from several threads.

    `base_url` ends before `/embeddings`. With `dim` the endpoint is asked for vectors of that length; without it the length is learnt
    from one call when it is first needed. A text is cut to `max_chars` before it is sent. Each try takes at most `timeout` seconds.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        dim: int | None = None,
        *,
        timeout: float = 20.0,
        tries: int = 3,
        first_wait: float = 0.5,
        batch: int = 64,
        max_tokens: int = 8000,
        max_chars: int = 8000,
    ) -> None:
        import httpx

        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise InvalidInput("api_key", "holds characters that no key has.", "Look for a line break at its end.")
        self.name, self.max_tokens, self.languages = model, max_tokens, frozenset()
        self.digest = hashlib.sha256(json.dumps(["openai", base_url.rstrip("/"), model, dim, max_chars]).encode()).hexdigest()
        self._asked, self._dim = dim, dim
        self._tries, self._first_wait, self._batch, self._max_chars = max(1, tries), first_wait, batch, max_chars
        self._timeout = timeout
        self._address = f"{base_url.rstrip('/')}/embeddings"
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(headers=headers, timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)), follow_redirects=False)

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Its vectors' length; the first use may ask the endpoint."""
        if self._dim is None:
            self._dim = self._part(["dimension"]).shape[1]
        return self._dim

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.empty((0, self.dim), dtype="float32")
        parts = [self._part(texts[at : at + self._batch]) for at in range(0, len(texts), self._batch)]
        if self._dim is None:
            self._dim = parts[0].shape[1]
        if any(part.shape[1] != self._dim for part in parts):
            raise EmbedderUnavailable(f"{self.name} gave vectors of another length than {self._dim}.")
        return np.concatenate(parts)

    def close(self) -> None:
        self._client.close()

    def _part(self, texts: Sequence[str]) -> NDArray[np.float32]:
        sent = [text.encode("utf-8", "replace").decode()[: self._max_chars] or " " for text in texts]
        body: dict[str, Any] = {"model": self.name, "input": sent, "encoding_format": "float"}
        if self._asked is not None:
            body["dimensions"] = self._asked
        return _vectors(self._ask(body), len(sent))

    def _ask(self, body: dict[str, Any]) -> Any:
        problem = ""
        for wait in self._waits():
            try:
                return _json(self._post(body))
            except _Refused as exc:
                problem, cause = exc.problem, exc.__cause__
                if not exc.again or exc.after > LONGEST_WAIT:
                    break
                if wait is not None:
                    time.sleep(max(wait, exc.after))
        raise EmbedderUnavailable(f"the embeddings endpoint {problem}.") from cause

    def _post(self, body: dict[str, Any]) -> bytes:
        """One try: the bytes of a good answer, within the time and the size that an answer may take."""
        import httpx

        limit = time.monotonic() + self._timeout
        content = bytearray()
        try:
            with self._client.stream("POST", self._address, json=body) as answer:
                if answer.status_code != 200:
                    raise _Refused(_meaning(answer.status_code), answer.status_code in RETRYABLE, _retry_after(answer))
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        raise _Refused("gave an answer that is too large", again=False)
                    if time.monotonic() > limit:
                        raise _Refused("took too long to answer", again=True)
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as exc:
            raise _Refused(f"can't be reached ({type(exc).__name__})", again=True) from exc
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as exc:
            raise _Refused(f"can't be used ({type(exc).__name__})", again=False) from exc
        return bytes(content)

    def _waits(self) -> Iterator[float | None]:
        """Seconds to wait after each try; None after the last. With jitter, so that many clients don't come back at once."""
        for again in range(self._tries - 1):
            yield min(LONGEST_WAIT, self._first_wait * 2**again) * random.uniform(0.5, 1.0)
        yield None


class _Refused(EmbedderUnavailable):
    """One try failed. `again` says whether another may succeed, after at least `after` seconds."""

    def __init__(self, problem: str, again: bool, after: float = 0.0) -> None:
        super().__init__(f"the embeddings endpoint {problem}.")
        self.problem, self.again, self.after = problem, again, after


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise _Refused("did not answer in JSON", again=False) from exc


def _meaning(status: int) -> str:
    hints = {401: "; check the key", 403: "; check the key", 404: "; check the address and the model's name"}
    return f"answered {status}{hints.get(status, '')}"


def _vectors(answer: Any, count: int) -> NDArray[np.float32]:
    """The unit vectors of an answer, in the order of the texts, which is that of `index` where it is given."""
    import numpy as np

    try:
        rows = sorted(enumerate(answer["data"]), key=lambda at: at[1].get("index", at[0]))
        vectors = np.array([row["embedding"] for _, row in rows], dtype="float64")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise EmbedderUnavailable("the embeddings endpoint's answer is not a list of embeddings.") from exc
    if vectors.ndim != 2 or vectors.shape[0] != count or vectors.shape[1] == 0:
        raise EmbedderUnavailable(f"the embeddings endpoint answered {len(rows)} embeddings for {count} texts, or uneven ones.")
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise EmbedderUnavailable("the embeddings endpoint gave a vector without direction.")
    unit: NDArray[np.float32] = (vectors / lengths).astype("float32")
    return unit


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that the server asks to wait; its other form, a date, is left aside."""
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else 0.0
