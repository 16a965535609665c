-- How much of the web may an agent fetch page by page, and what does the level some hide?
-- One row per snapshot of which URLs were drawn, agent, stratum and corpus: the shares of hosts at none, some
-- and all beside the mean share of their own pages. Only hosts observed in the snapshot count.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- agent: Tracked agent, or a label in brackets that stands for several (a page counts if all may fetch it)
-- stratum: (all), or a stratum of the study, or (none)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- n_hosts: Hosts observed that have a weight in the corpus
-- n_hosts_sampled: Those of them of which pages were drawn
-- n_hosts_some: Hosts at level some
-- n_hosts_some_sampled: Those of them of which pages were drawn
-- n_hosts_some_like_ccbot: Those of these to whose rules CCBot is bound too: their share is near 1 by the way
--   the pages came about
-- weight: Weight of the hosts observed
-- share_none: Weight at level none, or without a file (absent, empty), over weight
-- share_some: Weight at level some over weight
-- share_all: Weight at level all over weight
-- share_accessible: Weighted mean of the hosts' accessible shares, of those whose share is known; empty when
--   of none
-- share_accessible_low: The same over all hosts, as if nothing were accessible of the unknown
-- share_accessible_high: The same, as if everything were
-- share_ever: Weighted mean of share_ever, over the pages of all releases, of those whose share is known
-- share_rfc9309: Weighted mean of share_rfc9309, of those whose share is known
-- some_mean: Weighted mean accessible share of the hosts at some of which pages were drawn; empty when none
-- some_quarter: A quarter of their weight has at most this share, rounded to thousandths
-- some_median: Half of their weight has at most this share
-- some_three_quarters: Three quarters of their weight have at most this share
-- some_ever_mean: Weighted mean of share_ever of the hosts at some of which pages were drawn in any release
WITH placed AS MATERIALIZED (
    SELECT
        snapshot, stratum, corpus, host, agent, weight, n_urls_sampled, share_accessible, share_ever, share_rfc9309,
        is_like_ccbot,
        CASE
            WHEN restriction IS NOT NULL THEN restriction
            WHEN access_state = 'absent' THEN 'none'
        END AS level
    FROM accessible_share JOIN site_groups USING (host)
),
-- A file names few agents: all begin with the answer to *, then those it names are moved to their own.
signed AS MATERIALIZED (
    SELECT true AS is_own, * FROM placed
    UNION ALL BY NAME
    SELECT false AS is_own, named.agent, star.* EXCLUDE (agent)
    FROM (SELECT snapshot, stratum, corpus, host, agent FROM placed WHERE agent <> '*') AS named
    JOIN (FROM placed WHERE agent = '*') AS star USING (snapshot, stratum, corpus, host)
),
weighed AS (
    SELECT
        * EXCLUDE (weight),
        if(is_own, 1, -1) AS one,
        if(is_own, weight, -weight) AS w,
        level = 'some' AND share_accessible IS NOT NULL AS is_open,
        level = 'some' AND share_ever IS NOT NULL AS is_open_ever
    FROM signed
),
summed AS (
    SELECT
        snapshot, agent, stratum, corpus,
        sum(one) AS n_hosts,
        sum(one) FILTER (n_urls_sampled > 0) AS n_sampled,
        sum(one) FILTER (level = 'some') AS n_some,
        sum(one) FILTER (is_open) AS n_some_sampled,
        sum(one) FILTER (is_open AND is_like_ccbot) AS n_like,
        sum(w) AS weight,
        sum(w) FILTER (level = 'none') AS w_none,
        sum(w) FILTER (level = 'some') AS w_some,
        sum(w) FILTER (level = 'all') AS w_all,
        sum(w) FILTER (share_accessible IS NOT NULL) AS w_known,
        sum(w) FILTER (share_ever IS NOT NULL) AS w_ever,
        sum(w) FILTER (share_rfc9309 IS NOT NULL) AS w_rfc,
        sum(w) FILTER (is_open) AS w_open,
        sum(w) FILTER (is_open_ever) AS w_open_ever,
        fsum(w * share_accessible) AS s_known,
        fsum(w * share_ever) AS s_ever,
        fsum(w * share_rfc9309) AS s_rfc,
        fsum(w * share_accessible) FILTER (is_open) AS s_open,
        fsum(w * share_ever) FILTER (is_open_ever) AS s_open_ever
    FROM weighed GROUP BY ALL
),
names AS (
    SELECT DISTINCT agent FROM agent_groups
),
spread AS (
    SELECT names.agent, summed.* EXCLUDE (agent) FROM summed CROSS JOIN names WHERE summed.agent = '*'
    UNION ALL BY NAME
    SELECT * FROM summed WHERE agent <> '*'
),
totals AS (
    SELECT
        snapshot, agent, stratum, corpus, sum(COLUMNS(* EXCLUDE (snapshot, agent, stratum, corpus)))
    FROM spread GROUP BY snapshot, agent, stratum, corpus
),
-- The shares of hosts at some, in thousandths: as few values as can be carried to every agent.
histogram AS (
    SELECT snapshot, agent, stratum, corpus, round(share_accessible, 3) AS share, sum(w) AS w
    FROM weighed WHERE is_open GROUP BY ALL
),
carried AS (
    SELECT snapshot, agent, stratum, corpus, share, sum(w) AS w
    FROM (
        SELECT names.agent, histogram.* EXCLUDE (agent) FROM histogram CROSS JOIN names
        WHERE histogram.agent = '*'
        UNION ALL BY NAME
        SELECT * FROM histogram WHERE agent <> '*'
    )
    GROUP BY ALL HAVING sum(w) > 0
),
ranked AS (
    SELECT
        *,
        sum(w) OVER (PARTITION BY snapshot, agent, stratum, corpus ORDER BY share) AS w_up_to,
        sum(w) OVER (PARTITION BY snapshot, agent, stratum, corpus) AS w_of
    FROM carried
),
quartiles AS (
    SELECT
        snapshot, agent, stratum, corpus,
        min(share) FILTER (4 * w_up_to >= w_of) AS some_quarter,
        min(share) FILTER (2 * w_up_to >= w_of) AS some_median,
        min(share) FILTER (4 * w_up_to >= 3 * w_of) AS some_three_quarters
    FROM ranked GROUP BY ALL
)
SELECT
    snapshot,
    agent,
    stratum,
    corpus,
    n_hosts::BIGINT AS n_hosts,
    coalesce(n_sampled, 0)::BIGINT AS n_hosts_sampled,
    coalesce(n_some, 0)::BIGINT AS n_hosts_some,
    coalesce(n_some_sampled, 0)::BIGINT AS n_hosts_some_sampled,
    coalesce(n_like, 0)::BIGINT AS n_hosts_some_like_ccbot,
    weight::DOUBLE AS weight,
    coalesce(w_none, 0) / nullif(weight, 0)::DOUBLE AS share_none,
    coalesce(w_some, 0) / nullif(weight, 0)::DOUBLE AS share_some,
    coalesce(w_all, 0) / nullif(weight, 0)::DOUBLE AS share_all,
    round(s_known / nullif(w_known, 0), 9) AS share_accessible,
    round(coalesce(s_known, 0) / nullif(weight, 0), 9) AS share_accessible_low,
    round((coalesce(s_known, 0) + (weight - coalesce(w_known, 0))::DOUBLE) / nullif(weight, 0), 9)
        AS share_accessible_high,
    round(s_ever / nullif(w_ever, 0), 9) AS share_ever,
    round(s_rfc / nullif(w_rfc, 0), 9) AS share_rfc9309,
    round(s_open / nullif(w_open, 0), 9) AS some_mean,
    some_quarter,
    some_median,
    some_three_quarters,
    round(s_open_ever / nullif(w_open_ever, 0), 9) AS some_ever_mean
FROM totals LEFT JOIN quartiles USING (snapshot, agent, stratum, corpus)
ORDER BY snapshot, agent, stratum, corpus
