"""`crawlcensus sites`: the site list of a published study, made from its own counts."""

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.commands.errors import UsageError
from pipeline.layout import write_text_atomic
from pipeline.progress import log
from pipeline.recipes import Recipe, read_recipe
from pipeline.token_counts import CORPORA, Sample, Source, format_sites, make_sample, read_token_counts

STDOUT = Path("-")


def main(options: argparse.Namespace) -> int:
    """Write a site list, or print the recipe that goes with it."""
    recipe = read_recipe(options.name)
    if options.recipe:
        if options.counts is not None or options.output != STDOUT:
            raise UsageError(
                "--recipe prints the study file and takes nothing else. Make the list by itself."
            )
        print(recipe.text, end="")
        return 0
    counts, output = options.counts, options.output
    _check_paths(options.name, counts, output)
    rows = read_token_counts(counts)
    sample = make_sample(rows)
    for line in (*_say_counts(counts, recipe), *_say_sample(len(rows), sample, recipe)):
        log(line)
    if output == STDOUT:
        sys.stdout.write(format_sites(sample))
    else:
        write_text_atomic(output, format_sites(sample))
        log(f"sites: {len(sample.sources):,} sources are in {output}")
    return 0


def _check_paths(name: str, counts: Path | None, output: Path) -> None:
    if counts is None:
        raise UsageError(
            f"sites {name} wants the study's file of counts. `crawlcensus sites {name} --recipe` says which."
        )
    if not counts.is_file():
        raise UsageError(f"{counts}: there is no such file. Give the path of the study's file of counts.")
    if output.is_dir():
        raise UsageError(f"{output} is a folder. Give --output the path of a file in it.")
    if output.resolve() == counts.resolve():
        raise UsageError(f"{output} is the file of counts itself. Give --output another path.")


def _say_counts(counts: Path, recipe: Recipe) -> Iterator[str]:
    found = hashlib.sha256(counts.read_bytes()).hexdigest()
    if found == recipe.counts_sha256:
        yield f"sites: SHA-256 of {counts} is the published file's, {found}"
    else:
        yield f"sites: WARNING: {counts} is not the file that the study published: its SHA-256 is"
        yield f"sites: WARNING: {found}, not"
        yield f"sites: WARNING: {recipe.counts_sha256}. The figures below are not the study's."


def _say_sample(n_rows: int, sample: Sample, recipe: Recipe) -> Iterator[str]:
    sources, n_merged = sample.sources, sum(bool(source.merged_from) for source in sample.sources)
    yield f"sites: {n_rows:,} rows, {n_merged:,} merged with their like after www.: {len(sources):,} sources"
    yield from _say_outside([source for source in sources if not source.is_domain], recipe)
    n_head = sum(sample.stratum_of(source) == "head" for source in sources)
    yield f"sites: {n_head:,} sources are in a head; the other {len(sources) - n_head:,} are drawn at random"
    stated = {corpus.column: corpus for corpus in recipe.corpora}
    for n, column in enumerate(CORPORA):
        corpus, held = stated[column], sample.head_tokens(n)
        assert corpus.total, "the recipe states every total"
        share = f"{held:,} of {corpus.total:,.0f} tokens = {100 * held / corpus.total:.2f} %"
        yield f"sites:   head of {corpus.title}: {len(sample.heads[n]):,} sources, {share}"


def _say_outside(sources: Sequence[Source], recipe: Recipe) -> Iterator[str]:
    """What is no web host, by name."""
    titles = {corpus.column: corpus.title for corpus in recipe.corpora}
    yield f"sites: {len(sources):,} are no web hosts (is_domain = 0), kept for the study's own estimate alone"
    for source in sources:
        tokens = zip(CORPORA, source.tokens, strict=True)
        held = ", ".join(f"{n:,} tokens of {titles[corpus]}" for corpus, n in tokens if n)
        yield f"sites:   {source.host}: {held or 'no tokens'}"
