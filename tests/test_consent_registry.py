"""The agent registry: what is read, what is refused, and what its digest stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent.agents import BUNDLED, DateBasis, Honours, Purpose, RegistryError, make_registry, read_registry

HEADER = "agent,operator,purpose,control_token,first_listed,date_basis,honours_robots,source"
GPTBOT = "GPTBot,OpenAI,training,false,2023-08-07,announcement,yes,somewhere"
CCBOT = "CCBot,Common Crawl,archive,false,2008,announcement,yes,elsewhere"


def write(folder: Path, *rows: str, header: str = HEADER, end: str = "\n") -> Path:
    path = folder / "agents.csv"
    path.write_bytes(end.join((header, *rows, "")).encode())
    return path


def complaint(path: Path) -> str:
    with pytest.raises(RegistryError) as raised:
        read_registry(path)
    return str(raised.value)


def test_bundled_registry_reads() -> None:
    registry = read_registry()
    agents = {agent.agent: agent for agent in registry.agents}
    assert len(agents) == 73
    assert agents["GPTBot"].operator == "OpenAI"
    assert agents["GPTBot"].first_listed == "2023-08-07"
    assert agents["CCBot"].first_listed == "2008"
    assert agents["Google-Extended"].control_token
    assert agents["Googlebot"].first_listed is None
    assert agents["Googlebot"].date_basis is DateBasis.UNKNOWN
    assert agents["Bytespider"].honours_robots is Honours.NO
    assert agents["ChatGPT Agent"].purpose is Purpose.AGENT


def test_every_bundled_agent_has_a_source() -> None:
    assert all(agent.source for agent in read_registry().agents)


def test_spelling_is_the_registrys_for_any_case() -> None:
    registry = read_registry()
    assert registry.spelling("gptbot") == registry.spelling("GPTBOT") == "GPTBot"
    assert registry.spelling("ai2bot") == "AI2Bot"


def test_spelling_of_a_stranger_is_lower_case() -> None:
    assert read_registry().spelling("MyOwnBot") == "myownbot"


def test_registry_lists_tokens_in_any_case() -> None:
    assert read_registry().lists("gptbot")
    assert not read_registry().lists("MyOwnBot")


def test_a_users_registry_replaces_the_bundled_one(tmp_path: Path) -> None:
    registry = read_registry(write(tmp_path, GPTBOT))
    assert [agent.agent for agent in registry.agents] == ["GPTBot"]
    assert registry.spelling("CCBot") == "ccbot"


def test_first_column_may_be_called_token(tmp_path: Path) -> None:
    renamed = read_registry(write(tmp_path, GPTBOT, header=HEADER.replace("agent", "token", 1)))
    assert renamed == read_registry(write(tmp_path, GPTBOT))


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    turned = write(
        tmp_path,
        "OpenAI,GPTBot,training,false,2023-08-07,announcement,yes,somewhere",
        header=HEADER.replace("agent,operator", "operator,agent"),
    )
    assert read_registry(turned).agents[0].agent == "GPTBot"


def test_cells_are_trimmed(tmp_path: Path) -> None:
    assert read_registry(write(tmp_path, GPTBOT.replace(",", " , "))).digest == (
        read_registry(write(tmp_path, GPTBOT)).digest
    )


def test_digest_has_16_hex_digits() -> None:
    assert len(read_registry().digest) == 16
    assert int(read_registry().digest, 16) >= 0


def test_digest_ignores_row_order(tmp_path: Path) -> None:
    there = read_registry(write(tmp_path, GPTBOT, CCBOT))
    back = read_registry(write(tmp_path, CCBOT, GPTBOT))
    assert there.digest == back.digest
    assert there.agents == back.agents[::-1]


def test_digest_ignores_bom_and_line_ends(tmp_path: Path) -> None:
    plain = read_registry(write(tmp_path, GPTBOT, CCBOT)).digest
    assert read_registry(write(tmp_path, GPTBOT, CCBOT, end="\r\n")).digest == plain
    assert read_registry(write(tmp_path, GPTBOT, CCBOT, header="\ufeff" + HEADER)).digest == plain


def test_digest_changes_with_any_cell() -> None:
    agents = read_registry().agents
    shorter = make_registry(agents[1:])
    assert shorter.digest != make_registry(agents).digest == read_registry().digest


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.csv" in complaint(tmp_path / "nowhere.csv")


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_bytes(HEADER.encode() + b"\n\xff")
    assert "UTF-8" in complaint(path)


def test_file_without_rows_is_refused(tmp_path: Path) -> None:
    assert "no agent" in complaint(write(tmp_path))


@pytest.mark.parametrize("column", HEADER.split(","))
def test_missing_column_is_named(tmp_path: Path, column: str) -> None:
    header = ",".join(name for name in HEADER.split(",") if name != column)
    text = complaint(write(tmp_path, GPTBOT, header=header))
    assert "agents.csv, line 1" in text
    assert f"{column!r}" in text


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (GPTBOT.replace("GPTBot", ""), "agent"),
        (GPTBOT.replace("OpenAI", " "), "operator"),
        (GPTBOT.replace("training", "learning"), "purpose"),
        (GPTBOT.replace("false", "maybe"), "control_token"),
        (GPTBOT.replace("2023-08-07", "7 August 2023"), "first_listed"),
        (GPTBOT.replace("2023-08-07", "2023-02-30"), "first_listed"),
        (GPTBOT.replace("2023-08-07", "2023-8-7"), "first_listed"),
        (GPTBOT.replace("announcement", "rumour"), "date_basis"),
        (GPTBOT.replace("announcement", ""), "date_basis"),
        (GPTBOT.replace("2023-08-07", ""), "date_basis"),
        (GPTBOT.replace("yes", "sometimes"), "honours_robots"),
        (GPTBOT + ",and more", "source"),
        ("GPTBot,OpenAI", "control_token"),
    ],
)
def test_bad_cell_names_file_line_and_column(tmp_path: Path, row: str, column: str) -> None:
    text = complaint(write(tmp_path, CCBOT, row))
    assert "agents.csv, line 3" in text
    if row != "GPTBot,OpenAI":
        assert f"column {column!r}" in text


@pytest.mark.parametrize("row", [CCBOT.replace("CCBot", "gptbot"), GPTBOT])
def test_same_agent_twice_is_refused_in_any_case(tmp_path: Path, row: str) -> None:
    text = complaint(write(tmp_path, GPTBOT, CCBOT, row))
    assert "line 4, column 'agent'" in text
    assert "of line 2" in text


def test_broken_quotes_are_refused(tmp_path: Path) -> None:
    assert "line" in complaint(write(tmp_path, GPTBOT.replace("OpenAI", '"Open"AI')))


def test_bundled_table_lies_beside_its_module() -> None:
    assert BUNDLED.name == "agents.csv"
    assert BUNDLED.parent.name == "consent"
