"""The site list: what is read from it, and an error with file, line and column for what cannot be."""

from pathlib import Path

import pytest

from pipeline.csv_list import ListError
from pipeline.sites import Site, SiteList, read_hosts, read_sites


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "sites.csv"
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ListError) as caught:
        read_sites(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def test_a_list_of_hosts_alone_has_no_strata_and_no_weights(tmp_path: Path) -> None:
    path = write(tmp_path, "host\nb.example\na.example\n")
    assert read_sites(path) == SiteList((), (), (Site("b.example", None, ()), Site("a.example", None, ())))


def test_every_column_without_a_meaning_of_its_own_is_a_weight(tmp_path: Path) -> None:
    path = write(tmp_path, "c4,host,stratum,dolma\n1.5,a.example,head,2e3\n,b.example,,0\n")
    assert read_sites(path) == SiteList(
        corpora=("c4", "dolma"),
        heads=(),
        sites=(
            Site("a.example", "head", (("c4", 1.5), ("dolma", 2000.0))),
            Site("b.example", None, (("dolma", 0.0),)),
        ),
    )


def test_columns_that_end_in_head_are_flags_and_never_weights(tmp_path: Path) -> None:
    path = write(tmp_path, "host,c4,c4_head,rf_head\na.x,1,1,0\nb.x,2, TRUE ,\nc.x,3,false,1\n")
    listed = read_sites(path)
    assert (listed.corpora, listed.heads) == (("c4",), ("c4_head", "rf_head"))
    assert [site.heads for site in listed.sites] == [("c4_head",), ("c4_head",), ("rf_head",)]


def test_a_source_that_is_no_web_host_is_listed_but_never_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "host,is_domain\na.example,1\nstack,0\nb.example,\nbooks,False\nc.example,true\n")
    assert [site.is_domain for site in read_sites(path).sites] == [True, False, True, False, True]
    assert read_hosts(path) == ("a.example", "b.example", "c.example")


def test_notes_on_where_a_host_comes_from_are_read_over(tmp_path: Path) -> None:
    path = write(tmp_path, "host,study_url,merged_from,c4\na.example,www.a.example,b.example,1\n")
    assert read_sites(path) == SiteList(("c4",), (), (Site("a.example", None, (("c4", 1.0),)),))


def test_another_column_of_text_is_still_an_error(tmp_path: Path) -> None:
    text = error_of(write(tmp_path, "host,remark\na.example,big\n"))
    assert text.startswith("line 2: column remark: 'big' is no weight.")


@pytest.mark.parametrize("column", ["c4_head", "is_domain"])
@pytest.mark.parametrize("flag", ["2", "yes", "0.5", "-1"])
def test_junk_for_a_flag_is_named_with_line_and_column(tmp_path: Path, column: str, flag: str) -> None:
    text = error_of(write(tmp_path, f"host,{column}\na.example,1\nb.example,{flag}\n"))
    assert text == f"line 3: column {column}: {flag!r} is no flag. Give 1 or 0, or leave it empty."


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfhost,stratum\r\na.example,x\r\n",
        b"host , stratum\na.example, x \n",
        b'"host","stratum"\n"a.example","x"\n',
        b"host,stratum\n\na.example,x\n\n",
        b"host,stratum\nA.Example.,x",
    ],
    ids=["BOM and CRLF", "spaces", "quotes", "empty lines", "case and root dot"],
)
def test_how_a_spreadsheet_writes_it_makes_no_difference(tmp_path: Path, content: bytes) -> None:
    assert read_sites(write(tmp_path, content)).sites == (Site("a.example", "x", ()),)


def test_a_list_with_a_header_alone_has_no_sites(tmp_path: Path) -> None:
    assert read_sites(write(tmp_path, "host,stratum\n")).sites == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "line 1: there is no column host (found: nothing)"),
        ("domain,stratum\na.example,x\n", "line 1: there is no column host (found: domain, stratum)"),
        ("host;stratum\na.example;x\n", "line 1: there is no column host (found: host;stratum)"),
        ("host,c4,c4\na.example,1,2\n", "line 1: a column name is empty or stands twice"),
        ("host,\na.example,1\n", "line 1: a column name is empty or stands twice"),
    ],
)
def test_a_header_that_cannot_be_used_is_named(tmp_path: Path, content: str, says: str) -> None:
    assert error_of(write(tmp_path, content)).startswith(says)


@pytest.mark.parametrize("host", ["", "https://a.example/", "a.example/robots.txt", "a example", "."])
def test_junk_for_a_host_is_named_with_line_and_column(tmp_path: Path, host: str) -> None:
    text = error_of(write(tmp_path, f"stratum,host\nx,ok.example\ny,{host}\n"))
    assert text == f"line 3: column host: {host!r} is no host. Write it like www.example.org."


@pytest.mark.parametrize("weight", ["many", "-1", "nan", "inf", "1,5", "0x10"])
def test_junk_for_a_weight_is_named_with_line_and_column(tmp_path: Path, weight: str) -> None:
    text = error_of(write(tmp_path, f'host,c4\na.example,1\nb.example,"{weight}"\n'))
    assert text.startswith(f"line 3: column c4: {weight!r} is no weight.")


def test_a_host_that_stands_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    text = error_of(write(tmp_path, "host\na.example\nb.example\nA.EXAMPLE\n"))
    assert text.startswith("line 4: a.example stands on line 2 already.")


def test_a_row_with_more_cells_than_columns_is_named(tmp_path: Path) -> None:
    text = error_of(write(tmp_path, "host,c4\na.example,1\nb.example,1,5\n"))
    assert text.startswith("line 3: ")
    assert "2 columns" in text


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    text = error_of(write(tmp_path, "host,stratum\na.example,x\nb.example,Städte\n".encode("latin-1")))
    assert text.startswith("line 3: not UTF-8")
    assert "Save it as UTF-8" in text


def test_a_quote_that_is_not_closed_is_named_with_its_line(tmp_path: Path) -> None:
    text = error_of(write(tmp_path, 'host,stratum\na.example,"x\nb.example,y\n'))
    assert text.startswith("line 3: not a CSV file")
