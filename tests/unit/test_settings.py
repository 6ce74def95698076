"""Settings: arguments, environment, addresses; what is not understood is refused by its name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from memos_core import InvalidInput, Settings


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
        ({"MEMOS_DURABILITY": "maybe"}, "durability"),
        ({"MEMOS_SEGMENT_BYTES": "lots"}, "MEMOS_SEGMENT_BYTES"),
        ({"MEMOS_SEGMENT_BYTES": "-5"}, "MEMOS_SEGMENT_BYTES"),
        ({"MEMOS_SEGMENT_BYTES": "12"}, "segment_bytes"),
        ({"MEMOS_LEDGER": "mongodb://x"}, "MEMOS_LEDGER"),
        ({"MEMOS_INDEX": "faiss"}, "MEMOS_INDEX"),
        ({"MEMOS_GRAPH": "neo4j://x"}, "MEMOS_GRAPH"),
        ({"MEMOS_SCHEDULER": "cron"}, "MEMOS_SCHEDULER"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(environment: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Settings.load(environment)
    assert caught.value.field == field


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
    ],
)
def test_an_address_that_is_not_understood_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Settings.from_url(url)


def test_secrets_are_not_shown_and_settings_do_not_change() -> None:
    settings = Settings(audit_key="s3cret-key-s3cret", embedder_key="s3cret-too")
    assert "s3cret" not in repr(settings)
    with pytest.raises(FrozenInstanceError):
        settings.home = "/elsewhere"


def test_files_of_its_own_lie_in_the_folders_that_are_set() -> None:
    settings = Settings(cache_dir="/cache", config_dir="/config")
    assert settings.embedder_dir == Path("/cache/embedder") and settings.audit_key_file == Path("/config/audit.key")
