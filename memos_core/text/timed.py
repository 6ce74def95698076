"""Whether a text says when: a word, a name or a number of the calendar among its terms."""

from __future__ import annotations

from collections.abc import Iterable

from memos_core.text.words import analyse

_WORDS = """yesterday today tomorrow tonight ago last next recently lately soon earlier later week weeks weekend weekends month months
year years day days morning afternoon evening night nights hour hours minutes summer winter
autumn spring january february april june july august
september october november december monday tuesday wednesday thursday friday saturday sunday christmas easter thanksgiving halloween
birthday anniversary decade century noon midnight"""
_CJK = """昨天 今天 明天 前天 后天 昨晚 今晚 去年 今年 明年 前年 上周 下周 本周 上个 下个 个月 月份 星期 周末 周一 周二 周三
周四 周五 周六 周日 早上 下午 晚上 春天 夏天 秋天 冬天 昨日 今日 明日 先週 来週 今週 先月 来月 어제 오늘 내일"""

TIME_TERMS = frozenset(analyse(_WORDS)) | frozenset(_CJK.split()) | frozenset(str(year) for year in range(1900, 2100))


def is_timed(terms: Iterable[str]) -> bool:
    """Whether one of the analysed terms belongs to a time expression."""
    return not TIME_TERMS.isdisjoint(terms)
