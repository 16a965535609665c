"""`crawlcensus explain` on files and on JSON lines: one answer for each question, whatever the line holds."""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main

BODY = (
    "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n\nUser-agent: *\nAllow: /open\nDisallow: /closed\n"
)
FIELDS = ["id", "agent", "group_match", "restriction", "line", "allowed"]
Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def robots(tmp_path: Path) -> str:
    path = tmp_path / "robots.txt"
    path.write_text(BODY, encoding="utf-8")
    return str(path)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> Any:
    """Gives lines to stdin; returns the exit status and the answers."""

    def call(*lines: str | bytes | dict[str, object], dialect: str = "rfc9309") -> tuple[int, list[Any]]:
        texts = [json.dumps(line) if isinstance(line, dict) else line for line in lines]
        data = b"".join((t.encode("utf-8") if isinstance(t, str) else t) + b"\n" for t in texts)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        status = main(["explain", "--dialect", dialect])
        printed = capsys.readouterr()
        assert printed.err == ""
        return status, [json.loads(line) for line in printed.out.splitlines()]

    return call


# ---- a file


def test_a_person_is_told_group_line_level_and_why(robots: str, capsys: Capsys) -> None:
    assert main(["explain", robots, "--agent", "ccbot"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].startswith("ccbot: all, group match specific (rfc9309 ")
    assert "  group of line 1, 2" in text
    assert "  line 3: Disallow: /   <- decides" in text


def test_several_agents_of_the_command_line_are_asked_one_by_one(robots: str, capsys: Capsys) -> None:
    assert main(["explain", robots, "--agent", "GPTBot", "--agent", "Other", "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(a["agent"], a["group_match"], a["restriction"]) for a in answers] == [
        ("GPTBot", "specific", "all"),
        ("Other", "wildcard", "some"),
    ]


def test_without_an_agent_everybody_is_asked_for(robots: str, capsys: Capsys) -> None:
    assert main(["explain", robots, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == FIELDS
    assert (answer["agent"], answer["group_match"], answer["restriction"]) == ("*", "wildcard", "some")
    assert (answer["id"], answer["allowed"]) == (None, None)


@pytest.mark.parametrize(("path", "allowed", "line"), [("/closed/x", False, 7), ("/open", True, 6)])
def test_a_url_is_judged_as_text(robots: str, path: str, allowed: bool, line: int, capsys: Capsys) -> None:
    url = f"https://a.example{path}"
    assert main(["explain", robots, "--url", url, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["allowed"], answer["line"]) == (allowed, line)
    assert main(["explain", robots, "--url", url]) == 0
    assert f"{url}: {'may' if allowed else 'may not'} be fetched" in capsys.readouterr().out


def test_an_unknown_dialect_exits_2_and_names_the_choices(robots: str, capsys: Capsys) -> None:
    assert main(["explain", robots, "--dialect", "rfc9308"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all(
        name in printed.err for name in ("rfc9308", "rfc9309", "google", "protego", "longpre2024-head")
    )


def test_a_file_that_is_not_there_exits_2(tmp_path: Path, capsys: Capsys) -> None:
    assert main(["explain", str(tmp_path / "gone.txt")]) == 2
    assert "gone.txt: there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "body", [b"", b"\xef\xbb\xbf", b"\x00\xff\xfe\x80", b"<html></html>", b"a" * 600_000]
)
def test_any_bytes_are_explained_under_any_dialect(body: bytes, tmp_path: Path, capsys: Capsys) -> None:
    path = tmp_path / "robots.txt"
    path.write_bytes(body)
    for dialect in ("rfc9309", "google", "protego", "longpre2024-paper", "longpre2024-head"):
        assert main(["explain", str(path), "--agent", "GPTBot", "--dialect", dialect, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["restriction"] == "none"


# ---- JSON lines


def test_each_line_is_answered_in_its_place_with_its_id(ask: Any) -> None:
    status, answers = ask(
        {"id": 1, "content": BODY, "agents": ["GPTBot"], "url": "https://a.example/"},
        {"id": "two", "content": BODY, "agents": ["Other"], "url": "https://a.example/closed"},
        {"id": {"a": [3]}, "content": BODY},
        {"content": BODY, "agents": []},
        {"id": None, "content": ""},
    )
    assert status == 0
    assert [list(answer) for answer in answers] == [FIELDS] * 5
    assert [answer["id"] for answer in answers] == [1, "two", {"a": [3]}, None, None]
    assert [answer["agent"] for answer in answers] == ["GPTBot", "Other", "*", "*", "*"]
    assert [answer["group_match"] for answer in answers] == [
        "specific",
        "wildcard",
        "wildcard",
        "wildcard",
        "none",
    ]
    assert [answer["restriction"] for answer in answers] == ["all", "some", "some", "some", "none"]
    assert [answer["allowed"] for answer in answers] == [False, False, None, None, None]
    assert [answer["line"] for answer in answers][:2] == [3, 7]


def test_several_agents_of_a_line_are_one_crawler(ask: Any) -> None:
    body = "User-agent: a\nDisallow: /x\n\nUser-agent: b\nDisallow: /y\n"
    urls = [f"https://a.example/{path}" for path in ("x", "y", "z")]
    _, answers = ask(*({"content": body, "agents": ["none", "b", "a"], "url": url} for url in urls))
    assert [answer["allowed"] for answer in answers] == [False, False, True]
    assert [answer["agent"] for answer in answers] == ["b"] * 3


def test_content_may_be_base64_of_any_bytes(ask: Any) -> None:
    raw = b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /\xff\r\nDisallow: /\r\n"
    _, (answer,) = ask({"id": 7, "content_b64": base64.b64encode(raw).decode()})
    assert (answer["restriction"], answer["line"]) == ("all", 3)


def test_text_is_taken_as_utf_8(ask: Any) -> None:
    body = "User-agent: *\nDisallow: /café\n"
    _, answers = ask(
        {"content": body, "url": "https://a.example/caf%C3%A9"},
        json.dumps({"content": body, "url": "https://a.example/caf%C3%A9"}, ensure_ascii=False),
        {"content": body, "url": "https://a.example/cafe"},
    )
    assert [answer["allowed"] for answer in answers] == [False, False, True]


def test_the_dialect_is_that_of_the_call(ask: Any) -> None:
    question = {"content": "User-agent: *\nDissallow: /\n"}
    assert ask(question, dialect="rfc9309")[1][0]["restriction"] == "none"
    assert ask(question, dialect="google")[1][0]["restriction"] == "all"


def test_empty_lines_are_passed_over_and_no_lines_are_no_error(ask: Any) -> None:
    assert ask() == (0, [])
    status, answers = ask("", "   ", {"id": 1, "content": ""}, "\t")
    assert (status, [answer["id"] for answer in answers]) == (0, [1])


@pytest.mark.parametrize(
    ("line", "found", "says"),
    [
        ("{", None, "line 2: not JSON ("),
        ("[]", None, 'line 2: give an object with either "content"'),
        ("null", None, 'line 2: give an object with either "content"'),
        ('{"id": 5}', 5, 'line 2: give an object with either "content"'),
        ('{"id": 5, "content": "", "content_b64": ""}', 5, "line 2: give an object with either"),
        ('{"id": 5, "content": 7}', 5, 'line 2: "content" and "content_b64" must be text'),
        ('{"id": 5, "content_b64": "%%%"}', 5, 'line 2: "content_b64" is not base64'),
        ('{"id": 5, "content_b64": "é"}', 5, 'line 2: "content_b64" is not base64'),
        ('{"id": 5, "content": "", "agents": "GPTBot"}', 5, 'line 2: "agents" must be a list'),
        ('{"id": 5, "content": "", "agents": [1]}', 5, 'line 2: "agents" must be a list'),
        ('{"id": 5, "content": "", "url": 1}', 5, 'line 2: "url" must be text'),
        (b'{"id": 5, "content": "\xff"}', None, "line 2: not JSON ("),
        ("[" * 100_000, None, "line 2: not JSON ("),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_line_that_is_no_question_is_answered_with_its_error_and_the_rest_goes_on(
    ask: Any, line: str | bytes, found: object, says: str
) -> None:
    status, answers = ask({"id": 1, "content": ""}, line, {"id": 3, "content": ""})
    assert status == 1
    assert [answer["id"] for answer in answers] == [1, found, 3]
    assert list(answers[1]) == ["id", "error"]
    assert answers[1]["error"].startswith(says)


@pytest.mark.parametrize(
    "url", ["", "/x", "not a url", "https://", "http://[::1", "\x00", "https://a.example/%zz"]
)
@pytest.mark.parametrize("dialect", ["rfc9309", "google", "protego", "longpre2024-head"])
def test_any_text_may_stand_for_a_url(ask: Any, url: str, dialect: str) -> None:
    status, (answer,) = ask({"id": 1, "content": BODY, "url": url}, dialect=dialect)
    assert status == 0
    assert answer["allowed"] in (True, False, None)


@pytest.mark.parametrize("content", ["\ud800", "User-agent: *\nDisallow: /\udcff\n", "\x00", "\r\r\r"])
def test_any_json_text_may_stand_for_a_body(ask: Any, content: str) -> None:
    status, (answer,) = ask({"id": 1, "content": content})
    assert (status, answer["id"]) == (0, 1)


@pytest.mark.parametrize("agent", ["", " ", "*", "GPTBot/1.0", "ä", "\x00", "a" * 10_000])
def test_any_text_may_stand_for_an_agent(ask: Any, agent: str) -> None:
    status, (answer,) = ask({"id": 1, "content": BODY, "agents": [agent]})
    assert (status, answer["agent"]) == (0, agent)
