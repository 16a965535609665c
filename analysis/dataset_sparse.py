"""The published tables in which one row of `*` stands for every agent that a robots.txt does not name."""

from analysis.dataset import Check

HOST_DECLARATIONS = """
SELECT a.snapshot, a.host, r.agent, r.group_match, r.restriction, r.restriction_longpre2024, r.crawl_delay,
    a.content_digest, d.dialect, d.dialect_version, a.warc_filename, a.warc_record_offset
FROM answers AS a
JOIN readings AS d ON d.content_digest = a.content_digest
JOIN dialects AS i ON i.dialect = d.dialect AND i.is_default
JOIN rulesets AS r ON r.ruleset = d.ruleset
WHERE a.access_state = 'rules'
    AND (r.agent = '*' OR r.agent IN (SELECT agent FROM agents WHERE is_tracked))
"""

HOST_DECLARATIONS_NOTE = """\
The table is sparse. A host whose robots.txt could be read in a snapshot has one row for `*` and one for
each tracked agent that the file answers apart from `*`; every other agent has what the row of `*` says. A
host without a row in a snapshot declared nothing there: `answers` says how it was answered (an `empty`
file restricts nothing), and a host that is not in `answers` for a snapshot was not captured. So the panel
of observed declarations is `answers` x `agents` (where `is_tracked`), each with the row of the agent
here, else the row of `*`, else nothing but the access state. Nothing is carried forward here; to carry,
take the last earlier snapshot in which the host is in `answers`. The dialect is the default one
(`dialects.is_default`); a file that it has no reading of has no row."""

TRANSITIONS = """
WITH unnamed AS (
    SELECT * FROM transitions
    WHERE group_match_from IS DISTINCT FROM 'specific' AND group_match_to IS DISTINCT FROM 'specific'
),
alike AS (
    SELECT host, snapshot_to, kind, level_from, level_to, restriction_before,
        min(agent) AS first_agent, count(*) AS n_agents
    FROM unnamed GROUP BY ALL
),
speaking AS (
    SELECT * FROM alike
    QUALIFY row_number() OVER (PARTITION BY host, snapshot_to ORDER BY n_agents DESC, first_agent) = 1
),
spoken_for AS (
    SELECT unnamed.host, unnamed.snapshot_to, unnamed.agent, speaking.first_agent, speaking.n_agents
    FROM unnamed JOIN speaking ON unnamed.host = speaking.host AND unnamed.snapshot_to = speaking.snapshot_to
        AND unnamed.kind = speaking.kind
        AND unnamed.level_from = speaking.level_from AND unnamed.level_to = speaking.level_to
        AND unnamed.restriction_before IS NOT DISTINCT FROM speaking.restriction_before
)
SELECT t.* REPLACE (if(s.agent IS NULL, t.agent, '*') AS agent), coalesce(s.n_agents, 1) AS n_agents,
    i.dialect, i.dialect_version
FROM transitions AS t
JOIN dialects AS i ON i.is_default
LEFT JOIN spoken_for AS s ON s.host = t.host AND s.snapshot_to = t.snapshot_to AND s.agent = t.agent
WHERE s.agent IS NULL OR s.agent = s.first_agent
"""

TRANSITIONS_NOTE = """\
The table is sparse, like `host_declarations`. A change of the group of `*`, or of how robots.txt was
answered, is the same change for every agent that no group names before or after: it has one row, of agent
`*`, and `n_agents` says for how many tracked agents it stands. An agent that a group names before or
after has its own row, and so has one whose `restriction_before` differs from that of the others. So the
changes of an agent are its own rows, and those rows of `*` for which it has no row of its own and is
named in neither snapshot (`host_declarations` has no row of it)."""

AGENT_OR_STAR = Check(
    "agent in agents, or *",
    "SELECT DISTINCT agent FROM {rows} WHERE agent <> '*' AND agent NOT IN (SELECT agent FROM agents)",
)
