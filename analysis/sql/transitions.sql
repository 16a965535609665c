-- When did what a host says to an agent change, and how?
-- One row per host, tracked agent and change between two consecutive observations of the host (carrying
-- forward never makes a change), in the default dialect. Bodies without a reading are passed over.
-- The kinds exclude each other:
-- * from one declared level to another: new_block (to all), tightened (none to some), removal (all to
--   none), loosened (all to some, some to none);
-- * the same level under another group: wildcard_to_named, named_to_wildcard, and, where no * group
--   stands beside it, became_named, no_longer_named;
-- * robots_appeared, robots_removed: from or to absent;
-- * became_unreadable, became_readable: to or from refused, server_error, not_robots or
--   unresolved_redirect; unreadable_otherwise: from one of these to another.
--
-- host: Host of the study
-- agent: Tracked agent
-- snapshot_from: Snapshot of the earlier observation
-- snapshot_to: Snapshot of the later observation
-- kind: What changed, as above
-- level_from: Level before: none, some, all, or the access state
-- level_to: Level after
-- group_match_from: specific, wildcard or none before; empty where nothing was declared
-- group_match_to: The same after
-- restriction_before: Last restriction declared at or before the earlier observation; empty when none was
-- is_new_block: Whether the level is all now and was none, some or absent
-- is_lifted: Whether the level was all and is none or absent now
-- days_between: Days between the starts of the two snapshots; empty when one is not known
-- fetch_time_from: When the earlier answer came, UTC
-- fetch_time_to: When the later answer came, UTC
-- content_digest_from: Body of the earlier answer; empty unless it was a 2xx
-- content_digest_to: Body of the later answer; empty unless it was a 2xx
-- warc_filename_from: WARC file that holds the earlier answer
-- warc_record_offset_from: Byte at which its record starts
-- warc_filename_to: WARC file that holds the later answer
-- warc_record_offset_to: Byte at which its record starts
WITH observed AS (
    SELECT *, CASE WHEN access_state IN ('rules', 'empty') THEN outcome END AS declared
    FROM host_snapshots WHERE is_observed AND outcome <> '(not_read)'
),
changes AS MATERIALIZED (
    SELECT
        host,
        snapshot AS snapshot_to,
        lag(snapshot) OVER seen AS snapshot_from,
        outcome AS outcome_to,
        lag(outcome) OVER seen AS outcome_from,
        last_value(declared IGNORE NULLS) OVER before AS outcome_before,
        lag(fetch_time) OVER seen AS fetch_time_from,
        fetch_time AS fetch_time_to,
        lag(content_digest) OVER seen AS content_digest_from,
        content_digest AS content_digest_to,
        lag(warc_filename) OVER seen AS warc_filename_from,
        lag(warc_record_offset) OVER seen AS warc_record_offset_from,
        warc_filename AS warc_filename_to,
        warc_record_offset AS warc_record_offset_to
    FROM observed
    WINDOW
        seen AS (PARTITION BY host ORDER BY position),
        before AS (PARTITION BY host ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    QUALIFY outcome_to <> outcome_from
),
triples AS MATERIALIZED (
    SELECT DISTINCT outcome_from, outcome_to, outcome_before FROM changes
),
answered AS (
    SELECT
        triples.*, tracked.agent,
        coalesce(own_from.level, star_from.level) AS level_from,
        coalesce(own_to.level, star_to.level) AS level_to,
        coalesce(own_from.group_match, star_from.group_match) AS group_match_from,
        coalesce(own_to.group_match, star_to.group_match) AS group_match_to,
        coalesce(own_before.restriction, star_before.restriction) AS restriction_before
    FROM triples
    CROSS JOIN (SELECT agent FROM agents WHERE is_tracked) AS tracked
    JOIN outcome_levels AS star_from ON star_from.outcome = outcome_from AND star_from.agent = '*'
    JOIN outcome_levels AS star_to ON star_to.outcome = outcome_to AND star_to.agent = '*'
    LEFT JOIN outcome_levels AS star_before ON star_before.outcome = outcome_before AND star_before.agent = '*'
    LEFT JOIN outcome_levels AS own_from ON own_from.outcome = outcome_from AND own_from.agent = tracked.agent
    LEFT JOIN outcome_levels AS own_to ON own_to.outcome = outcome_to AND own_to.agent = tracked.agent
    LEFT JOIN outcome_levels AS own_before
        ON own_before.outcome = outcome_before AND own_before.agent = tracked.agent
),
ranked AS (
    SELECT
        *,
        list_position(['none', 'some', 'all'], level_from) AS rank_from,
        list_position(['none', 'some', 'all'], level_to) AS rank_to
    FROM answered
),
named AS (
    SELECT
        * EXCLUDE (rank_from, rank_to),
        CASE
            WHEN level_to = level_from AND group_match_to = 'specific' AND group_match_from = 'wildcard'
                THEN 'wildcard_to_named'
            WHEN level_to = level_from AND group_match_to = 'wildcard' AND group_match_from = 'specific'
                THEN 'named_to_wildcard'
            WHEN level_to = level_from AND group_match_to = 'specific' AND group_match_from = 'none'
                THEN 'became_named'
            WHEN level_to = level_from AND group_match_to = 'none' AND group_match_from = 'specific'
                THEN 'no_longer_named'
            WHEN level_to = level_from THEN NULL
            WHEN rank_to > rank_from THEN if(level_to = 'all', 'new_block', 'tightened')
            WHEN rank_to < rank_from THEN if(rank_from - rank_to = 2, 'removal', 'loosened')
            WHEN level_from = 'absent' AND rank_to IS NOT NULL THEN 'robots_appeared'
            WHEN level_to = 'absent' AND rank_from IS NOT NULL THEN 'robots_removed'
            WHEN level_to = 'absent' OR rank_to IS NOT NULL THEN 'became_readable'
            WHEN level_from = 'absent' OR rank_from IS NOT NULL THEN 'became_unreadable'
            ELSE 'unreadable_otherwise'
        END AS kind,
        level_to = 'all' AND level_from IN ('none', 'some', 'absent') AS is_new_block,
        level_from = 'all' AND level_to IN ('none', 'absent') AS is_lifted
    FROM ranked
)
SELECT
    changes.host,
    named.agent,
    changes.snapshot_from,
    changes.snapshot_to,
    kind,
    level_from,
    level_to,
    group_match_from,
    group_match_to,
    restriction_before,
    is_new_block,
    is_lifted,
    date_diff('day', earlier.starts_on, later.starts_on) AS days_between,
    fetch_time_from,
    fetch_time_to,
    content_digest_from,
    content_digest_to,
    warc_filename_from,
    warc_record_offset_from,
    warc_filename_to,
    warc_record_offset_to
FROM changes
JOIN named
    ON named.outcome_from = changes.outcome_from AND named.outcome_to = changes.outcome_to
    AND named.outcome_before IS NOT DISTINCT FROM changes.outcome_before
JOIN snapshot_order AS earlier ON earlier.snapshot = changes.snapshot_from
JOIN snapshot_order AS later ON later.snapshot = changes.snapshot_to
WHERE kind IS NOT NULL
ORDER BY host, agent, snapshot_to
