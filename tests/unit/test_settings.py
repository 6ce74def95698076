"""Settings: arguments, environment, addresses; what is not understood is refused by its name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, InvalidInput, Settings


def test_every_setting_is_a_variable_too() -> None:
    texts = {
        "durability": "normal",
        "segment_bytes": str(5 << 20),
        "ledger": "sqlite",
        "index": "embedded",
        "graph": "none",
        "scheduler": "inline",
    }
    texts = {**{entry.name: f"a {entry.name}" for entry in fields(Settings)}, **texts}
    loaded = Settings.load({f"MEMOS_{name.upper()}": text for name, text in texts.items()})
    assert {entry.name: str(getattr(loaded, entry.name)) for entry in fields(Settings)} == texts


def test_what_is_given_wins_over_the_environment_and_none_and_empty_count_as_nothing() -> None:
    environment = {"MEMOS_HOME": "/from/environment", "MEMOS_DURABILITY": ""}
    assert Settings.load(environment, home="/given").home == "/given"
    assert Settings.load(environment, home=None).home == "/from/environment"
    assert Settings.load(environment).durability == "full"


def test_the_variables_of_this_process_are_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    assert Settings.load().embedder == "none" and Settings().embedder == "minilm"


@pytest.mark.parametrize(
    ("environment", "field"),
    [
        ({"MEMOS_DURABILITY": "maybe"}, "MEMOS_DURABILITY"),
        ({"MEMOS_SEGMENT_BYTES": "lots"}, "MEMOS_SEGMENT_BYTES"),
        ({"MEMOS_SEGMENT_BYTES": "-5"}, "MEMOS_SEGMENT_BYTES"),
        ({"MEMOS_SEGMENT_BYTES": "12"}, "MEMOS_SEGMENT_BYTES"),
        ({"MEMOS_LEDGER": "mongodb://x"}, "MEMOS_LEDGER"),
        ({"MEMOS_INDEX": "faiss"}, "MEMOS_INDEX"),
        ({"MEMOS_GRAPH": "neo4j://x"}, "MEMOS_GRAPH"),
        ({"MEMOS_SCHEDULER": "cron"}, "MEMOS_SCHEDULER"),
        ({"MEMOS_CACHE_DIR": "a\0b"}, "MEMOS_CACHE_DIR"),
    ],
)
def test_a_wrong_value_of_the_environment_is_refused_by_its_variable(environment: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Settings.load(environment)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("home", [3, None, b"x", "a\0b", "\ud800"]),
        ("ledger", ["mongodb://x", None, 3]),
        ("index", [None, "\ud800"]),
        ("embedder", [3, None, ["minilm"], "onnx:/\ud800"]),
        ("embedder_key", [3, b"key"]),
        ("chat_model", [3]),
        ("durability", ["maybe", None, 3, ["full"]]),
        ("audit_key", [3, b"k" * 32]),
        ("segment_bytes", [None, "lots", True, 1.5e9, 12]),
        ("cache_dir", [3, None]),
        ("config_dir", [3, None, "\ud800"]),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(field: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(InvalidInput) as caught:
            Settings(**{field: value})
        assert caught.value.field == field
        str(caught.value).encode()


def test_what_is_given_is_refused_as_an_argument_whatever_the_environment_says() -> None:
    for given in ({"durability": "maybe"}, {"segment_bytes": 12}):
        with pytest.raises(InvalidInput) as caught:
            Settings.load({"MEMOS_DURABILITY": "normal", "MEMOS_SEGMENT_BYTES": "lots"}, **{"segment_bytes": 1 << 20, **given})
        assert caught.value.field == next(iter(given))


def test_folders_may_be_paths(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "m", cache_dir=tmp_path, config_dir=tmp_path, embedder="none")  # type: ignore[arg-type]
    with MOS(settings=settings) as mos:
        assert mos.home == str(tmp_path / "m") and settings.embedder_dir == tmp_path / "embedder"


def test_an_address_names_folder_tenant_and_settings() -> None:
    settings, tenant = Settings.from_url("memos:///some/folder?tenant=acme&durability=normal&segment_bytes=2097152")
    assert (settings.home, tenant, settings.durability, settings.segment_bytes) == ("/some/folder", "acme", "normal", 2097152)
    assert Settings.from_url("memos:relative")[0].home == "relative" and Settings.from_url("memos:relative")[1] == "default"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x",
        "memos://host/x",
        "/x",
        "",
        "memos:x?colour=red",
        "memos:x?audit_key=k",
        "memos:x?embedder_key=k",
        "memos:x?durability=maybe",
        "memos:x?segment_bytes=lots",
        "memos:x?colour\ud800=red",
        "memos://[",
        "memos:\ud800",
        "\ud800",
        None,
        3,
        b"memos:x",
    ],
)
def test_an_address_that_is_not_understood_or_holds_a_secret_is_refused(url: Any) -> None:
    for take in (Settings.from_url, MOS.from_url):
        with pytest.raises(InvalidInput) as caught:
            take(url)
        assert caught.value.field in ("url", "home", "durability", "segment_bytes")
        str(caught.value).encode()


def test_secrets_are_not_shown_and_settings_do_not_change() -> None:
    settings = Settings(audit_key="s3cret-key-s3cret", embedder_key="s3cret-too")
    assert "s3cret" not in repr(settings)
    with pytest.raises(FrozenInstanceError):
        settings.home = "/elsewhere"


def test_files_of_its_own_lie_in_the_folders_that_are_set() -> None:
    settings = Settings(cache_dir="/cache", config_dir="/config")
    assert settings.embedder_dir == Path("/cache/embedder") and settings.audit_key_file == Path("/config/audit.key")
