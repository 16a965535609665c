"""The 2024 study's sources from its token counts: what is merged, the heads, the sample, what is no host."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.csv_list import ListError
from pipeline.recipes import read_recipe
from pipeline.sites import read_sites
from pipeline.token_counts import CORPORA, Counted, Sample, format_sites, make_sample, read_token_counts

HEADER = "url,c4_tokens,rf_tokens,dolma_tokens"


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "counts.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ListError) as caught:
        read_token_counts(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def sample_of(folder: Path, *rows: str, head_size: int = 2) -> Sample:
    return make_sample(read_token_counts(write(folder, *rows)), head_size)


def listed(sample: Sample) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(format_sites(sample))))


# ---- merging


def test_every_name_gets_www_unless_it_begins_with_it(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, "b.org,1,1,1", "www.a.org,1,1,1", "www2.c.org,1,1,1", "wwww.d.org,1,1,1")
    assert [source.study_url for source in sample.sources] == [
        "www.a.org",
        "www.b.org",
        "www.www2.c.org",
        "www.wwww.d.org",
    ]
    assert [source.host for source in sample.sources] == ["www.a.org", "b.org", "www2.c.org", "wwww.d.org"]
    assert {source.merged_from for source in sample.sources} == {""}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("bare", "prefixed", "host", "merged_from"),
    [
        ((14, 15, 143), (8, 19, 8), "a.org", "www.a.org"),
        ((1, 2, 3), (1, 2, 4), "www.a.org", "a.org"),
        ((9, 0, 0), (0, 0, 10), "www.a.org", "a.org"),  # over all corpora together
        ((5, 0, 0), (0, 2, 3), "a.org", "www.a.org"),  # of equals the bare one
    ],
)
def test_two_spellings_are_added_up_and_the_one_with_more_tokens_is_asked(
    tmp_path: Path,
    bare: Sequence[int],
    prefixed: Sequence[int],
    host: str,
    merged_from: str,
    order: int,
) -> None:
    rows = [f"{name},{','.join(map(str, n))}" for name, n in (("a.org", bare), ("www.a.org", prefixed))]
    (source,) = sample_of(tmp_path, *rows[::order]).sources
    assert (source.study_url, source.host, source.merged_from) == ("www.a.org", host, merged_from)
    assert source.tokens == tuple(one + other for one, other in zip(bare, prefixed, strict=True))


def test_a_host_is_written_as_site_lists_read_it_and_the_study_url_as_the_study_has_it(
    tmp_path: Path,
) -> None:
    (source,) = sample_of(tmp_path, "www.Alchemy.com.,1,2,3").sources
    assert (source.host, source.study_url) == ("www.alchemy.com", "www.Alchemy.com.")


# ---- heads and strata


def test_each_corpus_has_its_own_head_and_what_is_in_none_is_the_sample(tmp_path: Path) -> None:
    rows = ("a.org,9,0,0", "b.org,8,7,0", "c.org,0,9,1", "d.org,1,1,50", "e.org,1,1,40", "f.org,2,2,2")
    sample = sample_of(tmp_path, *rows)
    assert [sorted(head) for head in sample.heads] == [
        ["www.a.org", "www.b.org"],
        ["www.b.org", "www.c.org"],
        ["www.d.org", "www.e.org"],
    ]
    assert [sample.stratum_of(source) for source in sample.sources] == ["head"] * 5 + ["random"]
    assert [sample.head_tokens(n) for n in range(3)] == [17, 16, 90]


def test_of_equal_counts_the_first_by_study_url_is_in_the_head(tmp_path: Path) -> None:
    rows = ("www.c.org,5,1,9", "b.org,5,1,9", "a.org,5,1,9")
    assert sample_of(tmp_path, *rows).heads == (frozenset({"www.a.org", "www.b.org"}),) * 3


def test_a_merged_source_is_ranked_by_its_sum(tmp_path: Path) -> None:
    rows = ("a.org,3,0,0", "www.a.org,3,0,0", "b.org,5,0,0", "c.org,4,0,0")
    assert sample_of(tmp_path, *rows).heads[0] == {"www.a.org", "www.b.org"}


def test_a_file_without_rows_is_a_study_without_sources(tmp_path: Path) -> None:
    sample = sample_of(tmp_path)
    assert sample == Sample((), (frozenset(),) * 3)
    assert listed(sample) == []


NAMES = st.builds(
    lambda prefix, name: f"{prefix}{name}.org", st.sampled_from(["", "www."]), st.sampled_from("abcde")
)
TOKENS = st.tuples(*[st.integers(0, 4)] * 3)


@given(st.dictionaries(NAMES, TOKENS), st.integers(1, 6), st.randoms())
def test_no_token_is_lost_and_the_order_of_the_rows_makes_no_difference(counts, size, random) -> None:  # type: ignore[no-untyped-def]
    rows = [
        Counted(name, name if name.startswith("www.") else f"www.{name}", tokens)
        for name, tokens in counts.items()
    ]
    sample = make_sample(rows, size)
    for n in range(3):
        assert sum(source.tokens[n] for source in sample.sources) == sum(t[n] for t in counts.values())
        assert len(sample.heads[n]) == min(size, len(sample.sources))
    random.shuffle(rows)
    assert make_sample(rows, size) == sample


# ---- what is written


def test_the_list_is_sorted_by_host_and_says_all_of_a_source(tmp_path: Path) -> None:
    rows = ("stack-dedup,0,0,90", "www.b.org,9,8,7", "b.org,1,1,1", "a.org,2,2,2", "192.0.2.7:8080,3,3,3")
    text = format_sites(sample_of(tmp_path, *rows, head_size=1))
    assert text == (
        "host,c4_tokens,rf_tokens,dolma_tokens,c4_head,rf_head,dolma_head,"
        "stratum,is_domain,study_url,merged_from\n"
        "192.0.2.7:8080,3,3,3,0,0,0,random,1,www.192.0.2.7:8080,\n"
        "a.org,2,2,2,0,0,0,random,1,www.a.org,\n"
        "stack-dedup,0,0,90,0,0,1,head,0,www.stack-dedup,\n"
        "www.b.org,10,9,8,1,1,0,head,1,www.b.org,b.org\n"
    )


def test_a_study_reads_the_list_as_it_is_written(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, "a.org,2,2,2", "stack-dedup,0,0,90", "b.org,1,0,0", "c.org,0,1,0")
    path = tmp_path / "sites.csv"
    path.write_text(format_sites(sample), encoding="utf-8")
    sites = read_sites(path)
    assert sites.corpora == CORPORA
    assert sites.heads == ("c4_head", "rf_head", "dolma_head")
    assert [(site.host, site.is_domain) for site in sites.sites] == [
        ("a.org", True),
        ("b.org", True),
        ("c.org", True),
        ("stack-dedup", False),
    ]


# ---- what cannot be used


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("host,c4_tokens,rf_tokens,dolma_tokens", "line 1: there is no column url (found: host, c4_tokens"),
        ("url,c4_tokens,rf_tokens", "line 1: there is no column: dolma_tokens (found: url, c4_tokens,"),
        ("url,c4,rf,dolma", "line 1: there is no column: c4_tokens, dolma_tokens, rf_tokens (found: url, c4"),
        (HEADER + ",topic", "line 1: this is no column of the file: topic (found: url, "),
        (HEADER + ",url", "line 1: a column name is empty or stands twice."),
    ],
)
def test_wrong_columns_are_named_with_those_that_are_wanted(tmp_path: Path, header: str, says: str) -> None:
    assert error_of(write(tmp_path, "a.org,1,1,1", header=header)).startswith(says)


@pytest.mark.parametrize("text", ["-1", "", " ", "1.5", "many", "1e3", "nan", "٣", "1_000", "+4"])
@pytest.mark.parametrize("column", [1, 3])
def test_what_is_no_count_is_named_with_line_and_column(tmp_path: Path, text: str, column: int) -> None:
    cells = ["b.org", "1", "1", "1"]
    cells[column] = text
    said = error_of(write(tmp_path, "a.org,1,1,1", ",".join(cells)))
    assert (
        said == f"line 3: column {CORPORA[column - 1]}: {text!r} is no whole number from 0. Mend that cell."
    )


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("A.org,1,1,1", "line 3: a.org stands on line 2 already. Keep one of the two."),
        (",1,1,1", "line 3: column url: '' is no host."),
        ("https://b.org/,1,1,1", "line 3: column url: 'https://b.org/' is no host."),
        ("b.org,1,1,1,1", "line 3: there are more cells than the 4 columns."),
        ("b.org,1,1", "line 3: column dolma_tokens: '' is no whole number from 0."),
        ('"b.org,1,1,1', "line 3: not a CSV file"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, says: str) -> None:
    assert error_of(write(tmp_path, "a.org,1,1,1", row)).startswith(says)


# ---- the real file


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    return shared / "reference" / "token-counts.csv"


def test_the_real_file_gives_the_studys_sources_and_strata(real: Path) -> None:
    rows = read_token_counts(real)
    sample = make_sample(rows)
    assert (len(rows), len(sample.sources)) == (13_989, 13_940)
    assert sum(bool(source.merged_from) for source in sample.sources) == 49
    strata = [sample.stratum_of(source) for source in sample.sources]
    assert (strata.count("head"), strata.count("random")) == (3_945, 9_995)
    outside = {source.host: source.tokens for source in sample.sources if not source.is_domain}
    assert outside == {
        "gutenberg": (0, 0, 4_077_767_533),
        "s2": (0, 0, 45_210_962_767),
        "stack-dedup": (0, 0, 117_277_704_967),
    }


def test_the_heads_hold_the_published_shares_of_the_recipes_totals(real: Path) -> None:
    sample = make_sample(read_token_counts(real))
    totals = {corpus.column: corpus.total or 0 for corpus in read_recipe("consent-in-crisis").corpora}
    shares = [100 * sample.head_tokens(n) / totals[column] for n, column in enumerate(CORPORA)]
    assert [f"{share:.2f}" for share in shares] == ["10.87", "15.65", "21.78"]


def test_heads_and_sums_are_those_of_an_independent_count(real: Path) -> None:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in real.read_text("utf-8").splitlines()[1:]:
        url, *cells = line.split(",")
        key = "www." + url.removeprefix("www.")
        sums[key] = [one + int(cell) for one, cell in zip(sums[key], cells, strict=True)]
    sample = make_sample(read_token_counts(real))
    assert {source.study_url: list(source.tokens) for source in sample.sources} == sums
    for n in range(3):
        order = sorted(((-tokens[n], key) for key, tokens in sums.items()))
        assert sample.heads[n] == {key for _, key in order[:2000]}


# ---- what is written about it


def kish(weights: list[int]) -> float:
    return sum(weights) ** 2 / sum(weight * weight for weight in weights)


def test_the_table_of_strata_in_the_documentation_is_that_of_the_file(real: Path) -> None:
    sample = make_sample(read_token_counts(real))
    page = (Path(__file__).parents[1] / "docs" / "consent-in-crisis.md").read_text("utf-8")
    stated = {line.split(" | ")[0]: line for line in page.splitlines()}
    for n, corpus in enumerate(read_recipe("consent-in-crisis").corpora[i] for i in (0, 2, 1)):
        weights: dict[str, list[int]] = defaultdict(list)
        for source in sample.sources:
            part = "own" if source.study_url in sample.heads[n] else sample.stratum_of(source)
            weights[part].append(source.tokens[n])
        assert corpus.total is not None
        head, rest = sum(weights["own"]), sum(weights["random"])
        n_head = f"{kish(weights['own']):.3g}"
        assert stated[f"| {corpus.title}"] == (
            f"| {corpus.title} | {corpus.total:,.0f} | {head:,} | {100 * head / corpus.total:.2f} %"
            f" | {n_head} | {sum(weights['head']):,} | {rest:,} | {100 * rest / corpus.total:.3f} %"
            f" | {kish(weights['random']):.0f} |"
        )
