-- Who is closed to whom? Closed is level all. One row per snapshot, dimension, category, agent and corpus
-- that occurs, in the default dialect; hosts never captured so far are left out.
-- Agents count only from the day on which they were first listed: an agent or label has rows from the first
-- snapshot on that began on or after the first listing of a member, and of a label only the members listed
-- by then are asked (the strictest answer counts). So a closure by * counts for an agent once there is one.
-- The dimensions:
-- * whole: all hosts, for * and every agent and label;
-- * operator, purpose: all hosts, for the label of the category's agents;
-- * group_match: the hosts at which this group speaks to the agent;
-- * stratum, tld, language_region: hosts of that kind; TLDs and languages past the thirty with the most
--   hosts are (other);
-- * management: who wrote the robots.txt that is known of the host in the snapshot.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- dimension: whole, operator, purpose, group_match, stratum, tld, language_region or management
-- category: Value in that dimension. group_match: specific, wildcard, none, or (no declaration).
--   management: edge (put in front of the site), site_builder, cms (default of a system on the site's own
--   server), unsigned (no known system signed it: hand-written, as far as can be told), empty, absent or
--   unreadable. tld: (none) for addresses. language_region: as in tld_languages, (generic) for TLDs not there
-- agent: * (what a file says to agents that it does not name), a tracked agent, or a label in brackets:
--   (any AI) leaves out archives, search engines and purpose other
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- n_agents: Members listed by the start of the snapshot, whose answers count; 0 for *
-- n_agents_to_come: Members first listed later, left out
-- n_agents_undated: Members without a known date of first listing, left out
-- n_hosts_observed: Hosts of the category captured in this very snapshot
-- n_hosts_known: Those and the hosts known from an earlier snapshot
-- n_hosts_all_observed: Hosts at level all of those observed
-- n_hosts_all: Hosts at level all of those known
-- n_hosts_all_named: Of n_hosts_all, those where a group names a member that is closed out
-- n_hosts_all_wildcard: The others, which only * closes
-- weight_observed: Weight of the hosts observed
-- weight_known: Weight of the hosts known
-- weight_all_observed: Weight of the hosts at level all of those observed
-- weight_all: Weight of the hosts at level all of those known
-- weight_all_named: Of weight_all, that of the hosts where a group names a member that is closed out
-- weight_all_wildcard: That of the others
-- share_all_of_observed: weight_all_observed over weight_observed; empty when that is 0
-- share_all_of_known: weight_all over weight_known; empty when that is 0
WITH star AS (
    SELECT outcome, level = 'all' AS is_all, coalesce(group_match, '(no declaration)') AS group_match
    FROM outcome_levels WHERE agent = '*'
),
asked AS MATERIALIZED (
    SELECT
        snapshot, agent, kind, category AS asked_for,
        count(*) FILTER (listed_on <= starts_on) AS n_agents,
        count(*) FILTER (listed_on > starts_on) AS n_agents_to_come,
        count(*) FILTER (listed_on IS NULL) AS n_agents_undated
    FROM snapshot_order CROSS JOIN listed_members
    GROUP BY ALL HAVING count(*) FILTER (listed_on <= starts_on) > 0
    UNION ALL
    SELECT snapshot, '*', 'agent', '*', 0, 0, 0 FROM snapshot_order
),
own AS MATERIALIZED (
    SELECT
        outcome, agent, kind, listed_from, listed_until,
        dated_levels.level = 'all' AS is_all, star.is_all AS is_star_all,
        dated_levels.group_match, star.group_match AS star_match
    FROM dated_levels
    JOIN star USING (outcome)
    JOIN (SELECT DISTINCT agent, kind FROM listed_members) USING (agent)
),
cells AS (
    SELECT
        snapshot, starts_on, dimension, category, corpus, outcome,
        n_hosts_observed AS n_seen, n_hosts_known AS n, weight_observed AS w_seen, weight_known AS w
    FROM breakdown_cells JOIN snapshot_order USING (snapshot)
),
-- As in declared_levels: all agents begin with the answers to *, then those a file names are moved.
by_star AS MATERIALIZED (
    SELECT
        snapshot, dimension, category, corpus,
        sum(n_seen) AS n_seen, sum(n) AS n, sum(w_seen) AS w_seen, sum(w) AS w,
        sum(if(is_all, n_seen, 0)) AS n_all_seen, sum(if(is_all, n, 0)) AS n_all,
        sum(if(is_all, w_seen, 0)) AS w_all_seen, sum(if(is_all, w, 0)) AS w_all
    FROM cells JOIN star USING (outcome) GROUP BY ALL
),
-- What is_all and is_star_all share needs no move, but for the name; a closure that differs from * has one.
moves AS MATERIALIZED (
    SELECT
        snapshot, dimension, category, corpus, agent,
        sum(CASE WHEN is_star_all THEN if(is_all, 0, -n_seen) ELSE n_seen END) AS n_all_seen,
        sum(CASE WHEN is_star_all THEN if(is_all, 0, -n) ELSE n END) AS n_all,
        sum(CASE WHEN is_star_all THEN if(is_all, 0, -w_seen) ELSE w_seen END) AS w_all_seen,
        sum(CASE WHEN is_star_all THEN if(is_all, 0, -w) ELSE w END) AS w_all,
        sum(if(is_all, n, 0)) AS n_named, sum(if(is_all, w, 0)) AS w_named
    FROM cells JOIN own USING (outcome)
    WHERE (if(is_all, own.group_match = 'specific', is_star_all))
        AND starts_on >= listed_from AND (listed_until IS NULL OR starts_on < listed_until)
        AND (dimension = 'whole' OR kind <> 'operator')
    GROUP BY ALL
),
answered AS MATERIALIZED (
    SELECT
        by_star.* EXCLUDE (n_all_seen, n_all, w_all_seen, w_all), asked.agent, kind, asked_for,
        by_star.n_all_seen + coalesce(moves.n_all_seen, 0) AS n_all_seen,
        by_star.n_all + coalesce(moves.n_all, 0) AS n_all,
        by_star.w_all_seen + coalesce(moves.w_all_seen, 0) AS w_all_seen,
        by_star.w_all + coalesce(moves.w_all, 0) AS w_all,
        coalesce(n_named, 0) AS n_named,
        coalesce(w_named, 0) AS w_named
    FROM by_star
    JOIN asked USING (snapshot)
    LEFT JOIN moves USING (snapshot, dimension, category, corpus, agent)
    WHERE by_star.dimension = 'whole' OR kind <> 'operator'
),
signed AS (
    SELECT *, is_all AS was_all, group_match AS category, true AS is_in FROM own
    UNION ALL
    SELECT *, is_star_all, star_match, false FROM own
),
matched AS (
    SELECT agent, snapshot, corpus, group_match AS category, is_all, n_seen, n, w_seen, w
    FROM (
        SELECT
            snapshot, corpus, group_match, is_all,
            sum(n_seen) AS n_seen, sum(n) AS n, sum(w_seen) AS w_seen, sum(w) AS w
        FROM cells JOIN star USING (outcome) WHERE dimension = 'whole' GROUP BY ALL
    )
    JOIN asked USING (snapshot) WHERE kind <> 'operator'
    UNION ALL
    SELECT
        agent, snapshot, corpus, signed.category, was_all,
        sum(if(is_in, n_seen, -n_seen)), sum(if(is_in, n, -n)),
        sum(if(is_in, w_seen, -w_seen)), sum(if(is_in, w, -w))
    FROM cells JOIN signed USING (outcome)
    WHERE dimension = 'whole' AND kind <> 'operator'
        AND starts_on >= listed_from AND (listed_until IS NULL OR starts_on < listed_until)
    GROUP BY ALL
),
by_match AS (
    SELECT
        snapshot, 'group_match' AS dimension, category, agent, corpus,
        sum(n_seen) AS n_seen, sum(n) AS n, sum(w_seen) AS w_seen, sum(w) AS w,
        sum(if(is_all, n_seen, 0)) AS n_all_seen, sum(if(is_all, n, 0)) AS n_all,
        sum(if(is_all, w_seen, 0)) AS w_all_seen, sum(if(is_all, w, 0)) AS w_all,
        sum(if(is_all AND category = 'specific', n, 0)) AS n_named,
        sum(if(is_all AND category = 'specific', w, 0)) AS w_named
    FROM matched GROUP BY ALL HAVING sum(n) > 0
),
everywhere AS (
    SELECT * EXCLUDE (kind, asked_for) FROM answered WHERE kind <> 'operator'
    UNION ALL BY NAME
    SELECT * EXCLUDE (kind, asked_for) REPLACE (kind AS dimension, asked_for AS category)
    FROM answered WHERE kind IN ('operator', 'purpose') AND dimension = 'whole'
    UNION ALL BY NAME
    FROM by_match
)
SELECT
    snapshot,
    dimension,
    category,
    agent,
    corpus,
    n_agents,
    n_agents_to_come,
    n_agents_undated,
    n_seen::BIGINT AS n_hosts_observed,
    n::BIGINT AS n_hosts_known,
    n_all_seen::BIGINT AS n_hosts_all_observed,
    n_all::BIGINT AS n_hosts_all,
    n_named::BIGINT AS n_hosts_all_named,
    (n_all - n_named)::BIGINT AS n_hosts_all_wildcard,
    w_seen::DOUBLE AS weight_observed,
    w::DOUBLE AS weight_known,
    w_all_seen::DOUBLE AS weight_all_observed,
    w_all::DOUBLE AS weight_all,
    w_named::DOUBLE AS weight_all_named,
    (w_all - w_named)::DOUBLE AS weight_all_wildcard,
    weight_all_observed / nullif(weight_observed, 0) AS share_all_of_observed,
    weight_all / nullif(weight_known, 0) AS share_all_of_known
FROM everywhere
JOIN (SELECT snapshot, agent, n_agents, n_agents_to_come, n_agents_undated FROM asked) USING (snapshot, agent)
ORDER BY dimension, category, agent, corpus, snapshot
