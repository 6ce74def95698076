"""Tool memory: for a new task, is the trace of the task found that was solved with the tool it needs?

A trace is four messages of one session: the task, the assistant's call, the tool's answer, the assistant's conclusion.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

from memos_core.bench.sets.phrases import phrases
from memos_core.bench.systems import Ask, Line, Run, Story

START = datetime(2024, 2, 5, 8, tzinfo=UTC)

TOOLS: dict[str, dict[str, Any]] = phrases("tools")


@dataclass(frozen=True, slots=True)
class Case:
    ask: Ask
    tool: str


def _trace(tool: str, number: int, value: str, draw: random.Random, at: datetime) -> list[Line]:
    known = TOOLS[tool]
    key, session, call = f"{tool}-{number}", f"task-{tool}-{number}", f"call_{tool}_{number}"
    answer = known["returns"].format(v=value)
    calls = [{"id": call, "type": "function", "function": {"name": tool, "arguments": json.dumps({known["argument"]: value})}}]
    steps: tuple[tuple[str, str, str, dict[str, object] | None], ...] = (
        ("task", draw.choice(known["tasks"]).format(v=value), "user", None),
        ("call", "", "assistant", {"tool_calls": calls}),
        ("result", answer, "tool", {"tool_call_id": call}),
        ("done", f"Done: {answer}.", "assistant", None),
    )
    return [
        Line(f"{key}-{step}", session, "", text, at + timedelta(seconds=4 * n), role, rest)
        for n, (step, text, role, rest) in enumerate(steps)
    ]


def make(seed: int, users: int = 4) -> tuple[list[Story], list[Case]]:
    """Each user has two solved tasks for every tool; each tool is asked for by new tasks with a third value."""
    draw = random.Random(seed)
    stories, cases = [], []
    for number in range(users):
        jobs = [(tool, n) for tool in TOOLS for n in range(2)]
        draw.shuffle(jobs)
        fresh = {tool: draw.sample(TOOLS[tool]["values"], 3) for tool in TOOLS}
        lines: list[Line] = []
        for position, (tool, n) in enumerate(jobs):
            lines += _trace(tool, n, fresh[tool][n], draw, START + timedelta(hours=5 * position))
        stories.append(Story(f"t{number}", tuple(lines)))
        end = lines[-1].at + timedelta(days=1)
        cases += [Case(Ask(f"t{number}", task.format(v=fresh[tool][2]), end), tool) for tool in TOOLS for task in TOOLS[tool]["new_tasks"]]
    return stories, cases


def for_stores(story: Story) -> Story:
    """The story for a store that knows no tool calls: the call is written out as text."""
    lines = []
    for line in story.lines:
        calls = (line.tool or {}).get("tool_calls")
        text = line.text or (json.dumps(calls[0]["function"]) if isinstance(calls, list) else "")
        lines.append(Line(line.id, line.session, line.speaker, text, line.at, line.role))
    return Story(story.user, tuple(lines))


def hit_at(run: Run, cases: Sequence[Case], k: int) -> float:
    """The share of new tasks where one of the first k hits comes from a trace that used the right tool."""
    return fmean(
        any(key.rsplit("-", 2)[0] == case.tool for hit in answer.sources[:k] for key in hit)
        for answer, case in zip(run.answers, cases, strict=True)
    )
