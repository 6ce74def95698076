"""What a model's folder says about itself: the manifest of an installed embedder, or the files of a sentence-transformers export."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memos_core.errors import EmbedderUnavailable

MANIFEST, GRAPH, TOKENIZER = "embedder.json", "model.onnx", "tokenizer.json"
POOLINGS = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}


@dataclass(frozen=True, slots=True)
class Card:
    """How a model is used. `pooling` is for graphs that give a vector for each token."""

    name: str
    max_tokens: int = 512
    languages: tuple[str, ...] = ()
    pooling: str = "mean"
    query_prefix: str = ""
    text_prefix: str = ""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The files of a model, and its digest: everything that its vectors depend on."""

    graph: Path
    tokenizer: Path
    card: Card
    digest: str


def open_folder(folder: Path) -> ModelFolder:
    """Finds and digests the files. EmbedderUnavailable says what is missing, or that an installed file was changed."""
    graph = next((path for path in (folder / GRAPH, folder / "onnx" / GRAPH) if path.is_file()), None)
    tokenizer = folder / TOKENIZER
    if graph is None or not tokenizer.is_file():
        lacks = GRAPH if graph is None else TOKENIZER
        raise EmbedderUnavailable(f"{folder} has no {lacks}. `memos embedder install` makes the default model.", path=str(folder))
    manifest = read_json(folder / MANIFEST)
    card = _card_of_manifest(manifest, folder) if manifest else _card_of_export(folder)
    digest = digest_of(graph, tokenizer, card)
    if manifest and manifest.get("digest") != digest:
        raise EmbedderUnavailable(f"the embedder in {folder} is damaged; delete that folder and run `memos embedder install`.")
    return ModelFolder(graph, tokenizer, card, digest)


def digest_of(graph: Path, tokenizer: Path, card: Card) -> str:
    """sha256 over the two files, the pooling, the length that is read and the text's prefix."""
    whole = hashlib.sha256()
    for path in (graph, *sorted(graph.parent.glob(f"{graph.name}_data*")), tokenizer):
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    whole.update(json.dumps([card.pooling, card.max_tokens, card.text_prefix, card.query_prefix]).encode())
    return whole.hexdigest()


def read_json(path: Path) -> Mapping[str, Any]:
    """The object in a small file; empty when there is no file."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as exc:
        raise EmbedderUnavailable(f"{path} can't be read: {exc}.") from exc
    if not isinstance(value, dict):
        raise EmbedderUnavailable(f"{path} does not hold a JSON object.")
    return value


def _card_of_manifest(manifest: Mapping[str, Any], folder: Path) -> Card:
    try:
        return Card(str(manifest["name"]), int(manifest["max_tokens"]), tuple(map(str, manifest["languages"])))
    except (KeyError, TypeError, ValueError) as exc:
        raise EmbedderUnavailable(f"{folder / MANIFEST} is damaged; delete that folder and run `memos embedder install`.") from exc


def _card_of_export(folder: Path) -> Card:
    pooling = read_json(folder / "1_Pooling" / "config.json")
    chosen = [POOLINGS.get(key, key) for key, on in pooling.items() if key.startswith("pooling_mode_") and on is True]
    if len(chosen) > 1 or (chosen and chosen[0] not in POOLINGS.values()):
        raise EmbedderUnavailable(f"the pooling of {folder.name} is not mean or cls, which are the ones known here.")
    limit = read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    prompts = read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return Card(
        folder.resolve().name,
        limit if isinstance(limit, int) and limit > 2 else 512,
        pooling=chosen[0] if chosen else "mean",
        query_prefix=str(prompts.get("query") or ""),
        text_prefix=str(prompts.get("document") or prompts.get("passage") or ""),
    )
