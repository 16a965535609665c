"""The Arrow schemas of the stored tables: every column is named, typed and described, once.

Names follow Common Crawl's columnar index where the thing is theirs. Times are UTC. The
description of a column travels in its field metadata into Parquet, from there into the
warehouse as a column comment, and from there into the data dictionary.
"""

from pipeline.archive_tables import (
    CAPTURES,
    CONTENTS,
    DIGEST,
    INDEX_FILES,
    LOSSES,
    SNAPSHOTS,
    WARC_FILES,
)
from pipeline.probe_tables import LIVE_DECLARATIONS, OBSERVATIONS, OUTCOME_KINDS
from pipeline.table import COUNT, FLAG, REAL, SMALL, TEXT, TIME, Column, make_table
from pipeline.url_tables import URL_TABLES

SCHEMA_VERSION = "2"

AGENT: Column = (
    "agent",
    TEXT,
    "Product token, spelt as in the registry (else lower-cased), or * for every agent not named",
)

BODIES = make_table(
    "bodies",
    "distinct robots.txt body",
    ["content_digest"],
    [
        DIGEST,
        ("content_length", COUNT, "Bytes of the body"),
        ("body_kind", TEXT, "rules, empty, html or other (not a robots.txt)"),
        ("is_html", FLAG, "Whether the body is an HTML page"),
        ("has_bom", FLAG, "Whether the body begins with a byte order mark"),
        ("n_groups", COUNT, "Groups of the body (RFC 9309 reading)"),
        ("n_rules", COUNT, "Allow and Disallow lines of the body"),
        ("managed_by", TEXT, "Provider whose managed block stands in the body (for instance cloudflare)"),
        ("is_cut", FLAG, "Whether the body is longer than the 500 KiB that are read"),
        (
            "body_refusal_marker",
            TEXT,
            "provider/action of the refusal marker found in the body alone; empty when none",
        ),
    ],
)

READINGS = make_table(
    "readings",
    "distinct body and dialect",
    ["content_digest", "dialect"],
    [
        DIGEST,
        ("dialect", TEXT, "Named reading of RFC 9309"),
        ("dialect_version", TEXT, "Version of that reading"),
        ("registry_digest", TEXT, "Digest of the agent registry in force"),
        ("ruleset", TEXT, "What the body declares, by identity of outcome: joins to rulesets"),
    ],
)

_LEVELS = "none (every path may be fetched), some, or all (no path but /robots.txt may be)"

RULESETS = make_table(
    "rulesets",
    "distinct outcome and agent that the body names, plus *",
    ["ruleset", "agent"],
    [
        ("ruleset", TEXT, "Identity of the outcome: equal declarations have equal identities"),
        AGENT,
        ("group_match", TEXT, "specific (a group names the agent), wildcard (the * group speaks) or none"),
        ("restriction", TEXT, f"By the rules' effect: {_LEVELS}"),
        (
            "restriction_longpre2024",
            TEXT,
            f"By the rule of Longpre et al. (2024) over the same groups: {_LEVELS}",
        ),
        ("crawl_delay", REAL, "Crawl-delay for the agent in seconds; empty when none is stated"),
    ],
)

SIGNALS = make_table(
    "signals",
    "distinct body and other consent signal in it",
    ["content_digest", "signal", "scope", "key", "line"],
    [
        DIGEST,
        ("signal", TEXT, "Content-Signal, Content-Usage or License"),
        (
            "scope",
            TEXT,
            "Agents of the group the line stands in, and its path if it has one; empty text outside",
        ),
        ("key", TEXT, "What the preference is about, for instance ai-train"),
        ("value", TEXT, "The preference, verbatim"),
        ("line", COUNT, "Line of the body, from 1"),
    ],
)

SITES = make_table(
    "sites",
    "host of the study",
    ["host"],
    [
        ("host", TEXT, "Authority that a robots.txt governs"),
        (
            "registered_domain",
            TEXT,
            "Registrable domain by the bundled Public Suffix List; empty for addresses",
        ),
        ("tld", TEXT, "Last label of the host; empty for addresses"),
        ("suffix", TEXT, "Public suffix of the host; empty for addresses"),
        ("stratum", TEXT, "Stratum of the study's sample; empty when the study has none"),
        ("is_domain", FLAG, "Whether the source is a web host: others have weights but no robots.txt"),
    ],
)

SITE_WEIGHTS = make_table(
    "site_weights",
    "host and corpus",
    ["host", "corpus"],
    [
        ("host", TEXT, "Authority that a robots.txt governs"),
        ("corpus", TEXT, "Weight column of the study's site list"),
        ("weight", REAL, "Weight of the host in that corpus, for instance tokens"),
        ("is_head", FLAG, "Whether the host is in the corpus for certain; empty when the corpus has no head"),
    ],
)

CORPORA = make_table(
    "corpora",
    "weight column of the study's site list, and one for hosts",
    ["corpus"],
    [
        ("corpus", TEXT, "Weight column of the study's site list"),
        ("title", TEXT, "Name of the corpus for people; empty when not stated"),
        ("unit", TEXT, "What its weights count, for instance tokens; empty when not stated"),
        ("total_weight", REAL, "Weight of the whole corpus, listed hosts or not; empty when not stated"),
        ("head_column", TEXT, "Flag column of the hosts taken for certain; empty when it has none"),
        (
            "sample_stratum",
            TEXT,
            "Stratum of the hosts drawn at random that stand for the rest; empty when it has none",
        ),
    ],
)

AGENTS = make_table(
    "agents",
    "product token of the registry",
    ["agent"],
    [
        AGENT,
        ("operator", TEXT, "Who runs the agent"),
        ("purpose", TEXT, "What its operator says it fetches for"),
        ("control_token", FLAG, "Whether it is only a token in robots.txt that no crawler sends"),
        ("first_listed", TEXT, "Date of the first public listing (YYYY or YYYY-MM-DD); empty when unknown"),
        ("date_basis", TEXT, "What that date rests on"),
        ("honours_robots", TEXT, "Whether its operator says that it obeys robots.txt"),
        ("source", TEXT, "Where these facts were found"),
        ("is_tracked", FLAG, "Whether the study follows this agent"),
    ],
)

ACCESS_STATES = make_table(
    "access_states",
    "distinct kind of answer",
    ["fetch_status", "body_kind", "has_refusal_marker"],
    [
        ("fetch_status", SMALL, "HTTP status of the answer"),
        ("body_kind", TEXT, "Kind of the body of a 2xx answer; empty text for other answers"),
        ("has_refusal_marker", FLAG, "Whether the answer carries the marker of a refusal"),
        ("access_state", TEXT, "How robots.txt was obtained, RFC 9309 section 2.3.1"),
    ],
)

DIALECTS = make_table(
    "dialects",
    "named reading of RFC 9309 that the study used",
    ["dialect"],
    [
        ("dialect", TEXT, "Name of the reading"),
        ("dialect_version", TEXT, "Version of the reading"),
        ("summary", TEXT, "What the reading is"),
        ("is_default", FLAG, "Whether the panel is built on this reading"),
    ],
)

RUNS = make_table(
    "runs",
    "execution of a stage",
    ["run", "stage"],
    [
        ("run", TEXT, "Execution of the command"),
        ("stage", TEXT, "Stage"),
        ("started_at", TIME, "When the stage began, UTC"),
        ("elapsed_s", REAL, "Seconds that it took"),
        ("peak_memory_mib", REAL, "Largest memory of one process of the stage, MiB"),
        ("code_version", TEXT, "Version of crawlcensus"),
        ("library_versions", TEXT, "Versions of the libraries that decide, as JSON"),
        ("dialects", TEXT, "Dialects and their versions, as JSON"),
        ("registry_digest", TEXT, "Digest of the agent registry"),
        ("inputs_digest", TEXT, "Digest of the stage's plan"),
        ("n_tasks", COUNT, "Tasks of the plan"),
        ("n_tasks_run", COUNT, "Tasks that were run now; the others had receipts"),
        ("n_rows", COUNT, "Rows that the stage's plan has written in all"),
        ("skips", TEXT, "Counts by reason, as JSON"),
    ],
)

TABLES = {
    table.name: table
    for table in (
        SNAPSHOTS,
        WARC_FILES,
        INDEX_FILES,
        SITES,
        SITE_WEIGHTS,
        CORPORA,
        AGENTS,
        DIALECTS,
        CAPTURES,
        CONTENTS,
        BODIES,
        READINGS,
        RULESETS,
        SIGNALS,
        ACCESS_STATES,
        LOSSES,
        OBSERVATIONS,
        LIVE_DECLARATIONS,
        OUTCOME_KINDS,
        *URL_TABLES,
        RUNS,
    )
}
