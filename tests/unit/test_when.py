"""When something was, counted from the time of saying."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_core.text.times import holds_time
from memos_core.text.when import When, question_dates, resolve, validity

WEDNESDAY = datetime(2023, 5, 10, 15, tzinfo=UTC)
OPEN = None


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def one(text: str, said: datetime = WEDNESDAY) -> When:
    (found,) = resolve(text, said)
    return found


DATES = [
    # absolute
    ("on 2023-05-08", "2023-05-08", "2023-05-09"),
    ("2023/5/8 it was", "2023-05-08", "2023-05-09"),
    ("at 2023-05-08T10:00", "2023-05-08", "2023-05-09"),
    ("in 2023-05", "2023-05-01", "2023-06-01"),
    ("8 May 2023", "2023-05-08", "2023-05-09"),
    ("the 8th of May, 2023", "2023-05-08", "2023-05-09"),
    ("May 8th, 2023", "2023-05-08", "2023-05-09"),
    ("Sept. 3, 2022", "2022-09-03", "2022-09-04"),
    ("May 3-5, 2023", "2023-05-03", "2023-05-06"),
    ("31.12.2022", "2022-12-31", "2023-01-01"),
    ("12/31/2022", "2022-12-31", "2023-01-01"),
    ("29 February 2024", "2024-02-29", "2024-03-01"),
    ("May 2023", "2023-05-01", "2023-06-01"),
    ("December of 2022", "2022-12-01", "2023-01-01"),
    ("summer of 2022", "2022-06-01", "2022-09-01"),
    ("winter 2022", "2022-12-01", "2023-03-01"),
    ("winter 2023", "2023-12-01", "2024-03-01"),
    ("Christmas 2021", "2021-12-24", "2021-12-27"),
    ("Thanksgiving 2023", "2023-11-23", "2023-11-24"),
    ("in 2019", "2019-01-01", "2020-01-01"),
    ("2019-2021", "2019-01-01", "2022-01-01"),
    ("in the 90s", "1990-01-01", "2000-01-01"),
    ("the 1980s", "1980-01-01", "1990-01-01"),
    ("early 2021", "2021-01-01", "2021-05-03"),
    ("the end of March 2022", "2022-03-22", "2022-04-01"),
    ("first half of September 2022", "2022-09-01", "2022-09-16"),
    ("the first week of August 2022", "2022-08-01", "2022-08-08"),
    ("the last week of February 2024", "2024-02-23", "2024-03-01"),
    # days
    ("today", "2023-05-10", "2023-05-11"),
    ("yesterday", "2023-05-09", "2023-05-10"),
    ("tomorrow", "2023-05-11", "2023-05-12"),
    ("the day before yesterday", "2023-05-08", "2023-05-09"),
    ("the day after tomorrow", "2023-05-12", "2023-05-13"),
    ("this morning", "2023-05-10T06", "2023-05-10T12"),
    ("yesterday evening", "2023-05-09T18", "2023-05-10"),
    ("last night", "2023-05-09T18", "2023-05-10T06"),
    ("tonight", "2023-05-10T18", "2023-05-11T06"),
    ("the other day", "2023-05-03", "2023-05-10"),
    ("last Friday", "2023-05-05", "2023-05-06"),
    ("last Fri", "2023-05-05", "2023-05-06"),
    ("last Wednesday", "2023-05-03", "2023-05-04"),
    ("next Friday", "2023-05-19", "2023-05-20"),
    ("next Wednesday", "2023-05-17", "2023-05-18"),
    ("this Friday", "2023-05-12", "2023-05-13"),
    ("this coming Monday", "2023-05-15", "2023-05-16"),
    ("Tuesday of last week", "2023-05-02", "2023-05-03"),
    ("next week on Monday", "2023-05-15", "2023-05-16"),
    ("I met her on Monday", "2023-05-08", "2023-05-09"),
    ("I met her on Wednesday", "2023-05-03", "2023-05-04"),
    ("We will meet on Monday", "2023-05-15", "2023-05-16"),
    # weeks, weekends, months, years
    ("this week", "2023-05-08", "2023-05-15"),
    ("last week", "2023-05-01", "2023-05-08"),
    ("next week", "2023-05-15", "2023-05-22"),
    ("the week before last", "2023-04-24", "2023-05-01"),
    ("last weekend", "2023-05-06", "2023-05-08"),
    ("this past weekend", "2023-05-06", "2023-05-08"),
    ("this weekend", "2023-05-13", "2023-05-15"),
    ("next weekend", "2023-05-20", "2023-05-22"),
    ("two weekends ago", "2023-04-29", "2023-05-01"),
    ("last month", "2023-04-01", "2023-05-01"),
    ("next month", "2023-06-01", "2023-07-01"),
    ("last year", "2022-01-01", "2023-01-01"),
    ("the year before last", "2021-01-01", "2022-01-01"),
    ("earlier this year", "2023-01-01", "2023-05-10T15"),
    ("later this month", "2023-05-10T15", "2023-06-01"),
    # months, seasons and feasts
    ("last May", "2022-05-01", "2022-06-01"),
    ("this May", "2023-05-01", "2023-06-01"),
    ("next May", "2024-05-01", "2024-06-01"),
    ("May last year", "2022-05-01", "2022-06-01"),
    ("last spring", "2022-03-01", "2022-06-01"),
    ("last winter", "2022-12-01", "2023-03-01"),
    ("this summer", "2023-06-01", "2023-09-01"),
    ("next spring", "2024-03-01", "2024-06-01"),
    ("last Christmas", "2022-12-24", "2022-12-27"),
    ("last year's Christmas", "2022-12-24", "2022-12-27"),
    ("We went camping in June", "2022-06-01", "2022-07-01"),
    ("We will go camping in June", "2023-06-01", "2023-07-01"),
    ("I saw her in the fall", "2022-09-01", "2022-12-01"),
    ("her birthday was May 3", "2023-05-03", "2023-05-04"),
    # counted
    ("two days ago", "2023-05-08", "2023-05-09"),
    ("two weeks ago", "2023-04-23", "2023-04-30"),
    ("a month ago", "2023-04-01", "2023-05-01"),
    ("5 months ago", "2022-12-01", "2023-01-01"),
    ("10 years ago", "2013-01-01", "2014-01-01"),
    ("half a year ago", "2022-11-01", "2022-12-01"),
    ("a few days ago", "2023-05-05", "2023-05-09"),
    ("a couple of years ago", "2021-01-01", "2022-01-01"),
    ("an hour ago", "2023-05-10T13:30", "2023-05-10T14:30"),
    ("three days from now", "2023-05-13", "2023-05-14"),
    ("I will see him in two weeks", "2023-05-21", "2023-05-28"),
    ("over the past three months", "2023-02-10", "2023-05-10T15"),
    ("the past year was hard", "2022-05-10", "2023-05-10T15"),
    ("for the last ten days", "2023-04-30", "2023-05-10T15"),
    # open and joined
    ("since 2019", "2019-01-01", OPEN),
    ("ever since last spring", "2022-03-01", OPEN),
    ("since Monday", "2023-05-08", OPEN),
    ("until Friday", OPEN, "2023-05-13"),
    ("until the end of June", OPEN, "2023-07-01"),
    ("before 2020", OPEN, "2020-01-01"),
    ("after May 2022", "2022-06-01", OPEN),
    ("from 2019 to 2021", "2019-01-01", "2022-01-01"),
    ("from May to July 2022", "2022-05-01", "2022-08-01"),
    ("from November to February 2023", "2022-11-01", "2023-03-01"),
    ("between June 3 and June 5, 2022", "2022-06-03", "2022-06-06"),
    ("the week before August 3, 2023", "2023-07-24", "2023-07-31"),
    ("two days before August 11, 2023", "2023-08-09", "2023-08-10"),
    ("last Friday before April 10, 2023", "2023-04-07", "2023-04-08"),
    ("last Friday on 23 January, 2022", "2022-01-21", "2022-01-22"),
    # Chinese
    ("我昨天去了公园", "2023-05-09", "2023-05-10"),
    ("今天", "2023-05-10", "2023-05-11"),
    ("明天晚上", "2023-05-11T18", "2023-05-12"),
    ("大后天", "2023-05-13", "2023-05-14"),
    ("上周", "2023-05-01", "2023-05-08"),
    ("下周五", "2023-05-19", "2023-05-20"),
    ("上週末", "2023-05-06", "2023-05-08"),
    ("上个月", "2023-04-01", "2023-05-01"),
    ("去年", "2022-01-01", "2023-01-01"),
    ("去年夏天", "2022-06-01", "2022-09-01"),
    ("今年三月", "2023-03-01", "2023-04-01"),
    ("2023年5月8日", "2023-05-08", "2023-05-09"),
    ("十二月三十一号我去了", "2022-12-31", "2023-01-01"),
    ("三天前", "2023-05-07", "2023-05-08"),
    ("两个月前", "2023-03-01", "2023-04-01"),
    ("半年前", "2022-11-01", "2022-12-01"),
    ("自从2019年", "2019-01-01", OPEN),
    ("从2019年到2021年", "2019-01-01", "2022-01-01"),
]


@pytest.mark.parametrize(("text", "start", "end"), DATES)
def test_what_is_said_on_a_wednesday_means(text: str, start: str | None, end: str | None) -> None:
    found = one(text)
    assert (found.start, found.end) == (moment(start), moment(end))
    assert text[slice(*found.span)] == found.phrase


EDGES = [
    ("last Friday", "2023-05-12T09", "2023-05-05", "2023-05-06"),
    ("next Friday", "2023-05-12T09", "2023-05-19", "2023-05-20"),
    ("this Friday", "2023-05-12T09", "2023-05-12", "2023-05-13"),
    ("next Friday", "2023-05-14T09", "2023-05-19", "2023-05-20"),
    ("last weekend", "2023-05-13T09", "2023-05-06", "2023-05-08"),
    ("this weekend", "2023-05-14T09", "2023-05-13", "2023-05-15"),
    ("This weekend I went out", "2023-05-15T09", "2023-05-13", "2023-05-15"),
    ("last week", "2023-01-01T00", "2022-12-19", "2022-12-26"),
    ("next week", "2023-12-31T23:59", "2024-01-01", "2024-01-08"),
    ("yesterday", "2024-03-01T00", "2024-02-29", "2024-03-01"),
    ("yesterday", "2023-01-01T00", "2022-12-31", "2023-01-01"),
    ("last month", "2024-01-31T12", "2023-12-01", "2024-01-01"),
    ("next month", "2023-12-31T12", "2024-01-01", "2024-02-01"),
    ("last month", "2024-03-31T12", "2024-02-01", "2024-03-01"),
    ("a year ago", "2024-02-29T12", "2023-01-01", "2024-01-01"),
    ("over the past year", "2024-02-29T12", "2023-02-28", "2024-02-29T12"),
    ("last spring", "2023-06-01T00", "2023-03-01", "2023-06-01"),
    ("last spring", "2023-11-21T00", "2023-03-01", "2023-06-01"),
    ("this winter", "2023-02-10T00", "2022-12-01", "2023-03-01"),
    ("last winter", "2023-02-10T00", "2021-12-01", "2022-03-01"),
    ("next winter", "2023-02-10T00", "2023-12-01", "2024-03-01"),
    ("it was Feb 29", "2023-05-10T00", "2020-02-29", "2020-03-01"),
    ("三天前", "2024-03-02T00", "2024-02-28", "2024-02-29"),
    ("下周五", "2023-05-12T09", "2023-05-19", "2023-05-20"),
]


@pytest.mark.parametrize(("text", "said", "start", "end"), EDGES)
def test_edges_of_weeks_months_and_years_hold(text: str, said: str, start: str, end: str) -> None:
    found = one(text, datetime.fromisoformat(said).replace(tzinfo=UTC))
    assert (found.start, found.end) == (moment(start), moment(end))


@pytest.mark.parametrize(
    "text",
    [
        "this may help",
        "you may 5 times",
        "we march on",
        "wait a second",
        "the sun is out",
        "every Friday",
        "on Fridays",
        "I lost 5 kg in two weeks",
        "Have a nice weekend",
        "I read 2023 pages for $2000",
        "at 10:30 or version 2.2019.1",
        "call 555-2019-33",
        "05/06/2023",
        "don't fall, spring water",
        "for a week",
        "Friday",
        "in her 30s",
        "the last day",
        "February 31",
        "Feb 29, 2023",
        "13/13/2023",
        "一月二十五个",
        "",
    ],
)
def test_what_is_no_time_or_could_be_another_is_left_alone(text: str) -> None:
    assert resolve(text, WEDNESDAY) == ()


def test_several_times_come_in_the_order_of_the_text() -> None:
    found = resolve("Yesterday I planned the trip; next month we fly, not in 2024.", WEDNESDAY)
    assert [when.phrase for when in found] == ["Yesterday", "next month", "2024"]
    assert [when.relative for when in found] == [True, True, False]


def test_a_date_without_a_year_says_so() -> None:
    assert one("We went in June").yearly
    assert one("May 8").yearly
    assert not one("May 8, 2023").yearly
    assert not one("last May").yearly


def test_the_time_of_saying_counts_in_utc() -> None:
    late = datetime(2023, 5, 10, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert one("yesterday", late).start == moment("2023-05-10")


def test_validity_is_the_earliest_start_and_an_end_only_where_one_is_named() -> None:
    assert validity("I moved to Lisbon last spring and will marry next month.", WEDNESDAY) == (moment("2022-03-01"), None)
    assert validity("I am in Paris until Friday.", WEDNESDAY) == (None, moment("2023-05-13"))
    assert validity("I lived there from 2019 to 2021.", WEDNESDAY) == (moment("2019-01-01"), moment("2022-01-01"))
    assert validity("I have lived there since 2019.", WEDNESDAY) == (moment("2019-01-01"), None)
    assert validity("I live there.", WEDNESDAY) == (None, None)


def test_a_state_in_one_time_ends_with_it_and_what_came_of_an_event_lasts() -> None:
    assert validity("In 2019 I lived in Rome.", WEDNESDAY) == (moment("2019-01-01"), moment("2020-01-01"))
    assert validity("I was in Paris yesterday.", WEDNESDAY) == (moment("2023-05-09"), moment("2023-05-10"))
    assert validity("I'll be in Oslo next week.", WEDNESDAY)[1] is not None
    for text in ("I moved to Rome in 2019.", "I was born in 1990.", "I have worked there since 2019.", "We were married in 2019."):
        start, end = validity(text, WEDNESDAY)
        assert start is not None and end is None, text


def test_questions_are_read_by_the_same_grammar() -> None:
    (found,) = question_dates("What did Maria do the week before August 3, 2023?", WEDNESDAY)
    assert (found.start, found.relative) == (moment("2023-07-24"), False)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("Ich war gestern in Berlin", "2023-05-09", "2023-05-10"),
        ("am 8. März 2021 geboren", "2021-03-08", "2021-03-09"),
        ("né le 8 mai 1990", "1990-05-08", "1990-05-09"),
        ("il y a deux mois", "2023-03-01", "2023-04-01"),
        ("hace tres días", "2023-05-07", "2023-05-08"),
        ("8 мая 2023 года", "2023-05-08", "2023-05-09"),
    ],
)
def test_other_languages_are_read_by_a_library_where_that_is_asked_for(text: str, start: str, end: str) -> None:
    (found,) = resolve(text, WEDNESDAY, library=True)
    assert (found.start, found.end) == (moment(start), moment(end))


def test_the_library_does_not_touch_what_the_grammar_knows() -> None:
    for text in ("We met on 8 May 2023 at noon", "I bought 12 monkeys and so on", "He may march on a sunny second"):
        assert resolve(text, WEDNESDAY, library=True) == resolve(text, WEDNESDAY)


def test_texts_that_say_when_are_known() -> None:
    assert all(holds_time(text) for text in ("I moved last spring", "on May 8th", "yesterday", "two weeks ago", "我昨天去了"))
    assert not any(holds_time(text) for text in ("Momo hates trams", "we march on", "你好"))


WORDS = """last next this May march summer winter Friday week weekend year 2023 8 8th 31 29 February of the from to until since before
ago two few days early , . - 年 月 日 上 周 三 半 前 today in past half decade Christmas second"""
PIECES = st.sampled_from(WORDS.split())
MOMENTS = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC))


@settings(max_examples=600)
@given(st.lists(PIECES, max_size=9).map(" ".join), MOMENTS)
def test_any_words_at_any_time_give_sound_intervals(text: str, said: datetime) -> None:
    for when in resolve(text, said):
        assert when.start is not None or when.end is not None
        assert when.start is None or when.end is None or when.start < when.end
        assert text[slice(*when.span)] == when.phrase
    start, end = validity(text, said)
    assert start is None or end is None or start < end


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    assert all(text[slice(*when.span)] == when.phrase for when in resolve(text, WEDNESDAY))
