"""The rows of `sites`, `site_weights` and `corpora`, from the site list and the study file."""

from collections.abc import Iterable
from operator import itemgetter

from consent.hosts import parse_host
from pipeline.corpora import HOSTS, Corpus
from pipeline.sites import Site, SiteList

SiteRow = tuple[str, str | None, str | None, str | None, str | None, bool]


def site_row(site: Site) -> SiteRow:
    """A row of `sites`."""
    name = parse_host(site.host)
    return site.host, name.registered_domain, name.tld, name.suffix, site.stratum, site.is_domain


def site_rows(listed: SiteList) -> list[SiteRow]:
    """The rows of `sites`, by host."""
    return sorted(map(site_row, listed.sites), key=itemgetter(0))


def weight_rows(listed: SiteList, corpora: Iterable[Corpus]) -> list[tuple[str, str, float, bool | None]]:
    """The rows of `site_weights`, by host and corpus; the flag is None for a corpus without a head."""
    heads = {corpus.column: corpus.head for corpus in corpora}
    rows = [
        (site.host, corpus, weight, heads[corpus] in site.heads if heads.get(corpus) else None)
        for site in listed.sites
        for corpus, weight in site.weights
    ]
    return sorted(rows, key=itemgetter(0, 1))


def corpus_rows(listed: SiteList | None, stated: Iterable[Corpus]) -> list[tuple[object, ...]]:
    """The rows of `corpora`, by corpus: every weight column, and the hosts themselves."""
    corpora = {column: Corpus(column) for column in (listed.corpora if listed else ())}
    corpora |= {corpus.column: corpus for corpus in stated}
    corpora[HOSTS] = Corpus(HOSTS, title="Hosts", unit="hosts")
    return [
        (corpus.column, corpus.title, corpus.unit, corpus.total, corpus.head, corpus.sample)
        for _, corpus in sorted(corpora.items())
    ]
