"""`crawlcensus explain`: one robots.txt, one or more agents: which group, which line, which level and why."""

import argparse
import base64
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consent.dialects import find_dialect
from consent.explain import Explanation, explain
from pipeline.commands.errors import UsageError


@dataclass(frozen=True, slots=True)
class Question:
    """One line of JSON input: several agents are one crawler with several product tokens."""

    id: object
    body: bytes
    agents: tuple[str, ...]
    url: str | None


def main(options: argparse.Namespace) -> int:
    """Answer on stdout; 1 when a line of JSON input could not be answered."""
    try:
        find_dialect(options.dialect)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if options.source == "-":
        return answer_lines(sys.stdin.buffer, options.dialect)
    body = _find_body(options)
    for agent in options.agent or ["*"]:
        answer = explain(body, [agent], options.url, options.dialect)
        print(json.dumps(_row(None, answer)) if options.json else "\n".join(_text(answer, options)))
    return 0


def answer_lines(lines: Iterable[str | bytes], dialect: str) -> int:
    """One JSON answer for each JSON question; a line that is none is answered with its error."""
    status = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            question = parse_question(line)
        except ValueError as error:
            print(json.dumps({"id": _find_id(line), "error": f"line {number}: {error}"}), flush=True)
            status = 1
            continue
        answer = explain(question.body, question.agents, question.url, dialect)
        print(json.dumps(_row(question.id, answer)), flush=True)
    return status


def parse_question(line: str | bytes) -> Question:
    """A question from its JSON line; ValueError says what is wrong with it."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(asked, dict) or ("content" in asked) == ("content_b64" in asked):
        raise ValueError('give an object with either "content" (text) or "content_b64" (base64)')
    agents, url = asked.get("agents", ["*"]), asked.get("url")
    if not isinstance(agents, list) or not all(isinstance(agent, str) for agent in agents):
        raise ValueError('"agents" must be a list of product tokens')
    if url is not None and not isinstance(url, str):
        raise ValueError('"url" must be text')
    return Question(asked.get("id"), _body(asked), tuple(agents) or ("*",), url)


def _find_id(line: str | bytes) -> object:
    """The id of a question that cannot be answered; None when it has none."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return asked.get("id") if isinstance(asked, dict) else None


def _body(asked: dict[str, object]) -> bytes:
    text = asked.get("content", asked.get("content_b64"))
    if not isinstance(text, str):
        raise ValueError('"content" and "content_b64" must be text')
    if "content" in asked:
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f'"content_b64" is not base64 ({error})') from None


def _row(id: object, answer: Explanation) -> dict[str, object]:
    return {
        "id": id,
        "agent": answer.agent,
        "group_match": answer.group_match,
        "restriction": answer.restriction,
        "line": answer.line,
        "allowed": answer.allowed,
    }


def _text(answer: Explanation, options: argparse.Namespace) -> Iterator[str]:
    """A person's answer, as lines."""
    dialect = find_dialect(options.dialect)
    reading = f"{dialect.name} {dialect.version}"
    yield f"{answer.agent}: {answer.restriction}, group match {answer.group_match} ({reading})"
    yield f"  {answer.why}"
    if answer.group_lines:
        yield f"  group of line {_join(answer.group_lines)}"
    for line, text in answer.rules:
        yield f"  line {line}: {text}{'   <- decides' if line == answer.line else ''}"
    if answer.crawl_delay is not None:
        yield f"  Crawl-delay: {answer.crawl_delay:g} s"
    if answer.restriction_longpre2024 != answer.restriction:
        yield f"  by the rule of Longpre et al. (2024): {answer.restriction_longpre2024}"
    if answer.allowed is not None:
        yield f"  {options.url}: {'may' if answer.allowed else 'may not'} be fetched"


def _join(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines))


def _find_body(options: argparse.Namespace) -> bytes:
    source = str(options.source)
    if source.startswith(("http://", "https://")):
        if options.study is None:
            raise UsageError(
                f"{source}: nothing is fetched here. Give a file, or --study to look it up in a study."
            )
        from pipeline.archived import find_archived_body

        return find_archived_body(options.study, source, options.snapshot)
    path = Path(source)
    if not path.is_file():
        raise UsageError(
            f"{source}: there is no such file. Give a file, a URL with --study, or - for JSON lines."
        )
    return path.read_bytes()
