-- Which share of a host's own pages may an agent fetch, where its robots.txt says some?
-- One row per snapshot of which URLs were drawn, host that it holds an answer of, and agent that the body
-- answers apart, plus *: an agent without a row gets the row of *. In the default dialect. Pages are those
-- that Common Crawl fetched: what CCBot may not fetch is hardly among them, so where is_like_ccbot the share
-- tells little and share_ever, over the pages of all releases, is the one to read.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- host: Host of the study
-- agent: *, a tracked agent, or a label of agent_groups (a page counts if every member may fetch it)
-- access_state: How robots.txt was obtained in this snapshot
-- restriction: none, some or all by the rules' effect; empty where nothing is declared
-- group_match: specific, wildcard or none; empty where nothing is declared
-- n_urls_seen: Pages of the host that the snapshot holds with status 200; 0 when it holds none
-- n_urls_sampled: Those of them that were drawn
-- n_urls_allowed: Those drawn that the agent may fetch; empty where share_accessible is
-- share_accessible: 1 where every path may be fetched (none, an empty file, or no file), 0 where none may
--   (all), else n_urls_allowed over n_urls_sampled; empty for some without a page drawn, and where robots.txt
--   was refused, failed, was no robots.txt or led nowhere
-- share_low: Lower end of the 95 % interval over the pages seen (Wilson, finite population); share_accessible
--   itself where all pages were drawn or the rules alone decide
-- share_high: Upper end of that interval
-- is_like_ccbot: For some: whether the body says to the agent, rule for rule, what it says to CCBot, which
--   fetched the pages; empty for other levels
-- n_ever_sampled: Pages of the host drawn from all sampled snapshots together; 0 when there are none
-- n_ever_allowed: Those of them that the agent may fetch now; empty where share_ever is
-- share_ever: As share_accessible, over those pages: what of all that was ever fetched may be fetched now
-- share_rfc9309: share_accessible, and where it is empty for want of a file what RFC 9309 has a crawler take
--   it for: everything after a 4xx or a file without rules (sections 2.3.1.1 and 2.3.1.3) and after redirects
--   that lead nowhere (2.3.1.2), nothing after a 5xx (2.3.1.4); empty where the end of the redirects is not in
--   the snapshot
WITH observed AS (
    SELECT
        answers.*,
        CASE WHEN access_state = 'rules' THEN coalesce(ruleset, '(not_read)') ELSE '(' || access_state || ')' END
            AS outcome
    FROM answers
    SEMI JOIN url_snapshots USING (snapshot)
    LEFT JOIN readings
        ON readings.content_digest = answers.content_digest
        AND readings.dialect = (SELECT dialect FROM dialects WHERE is_default)
),
pooled AS (
    SELECT host, count(*) AS n_ever_sampled FROM url_pool GROUP BY host
),
-- Few pages are denied: they are counted, the others follow.
denied AS (
    SELECT observed.snapshot, observed.host, agent, count(*) AS n
    FROM observed JOIN url_samples USING (snapshot, host) JOIN url_denials USING (content_digest, path)
    GROUP BY ALL
),
ever_denied AS (
    SELECT observed.snapshot, observed.host, agent, count(*) AS n
    FROM observed JOIN url_pool USING (host) JOIN url_denials USING (content_digest, path)
    GROUP BY ALL
),
counted AS (
    SELECT
        observed.* EXCLUDE (outcome),
        levels.agent, levels.level, levels.restriction, levels.group_match, is_like_ccbot,
        coalesce(n_urls_seen, 0) AS n_urls_seen,
        coalesce(n_urls_sampled, 0) AS n_urls_sampled,
        coalesce(n_ever_sampled, 0) AS n_ever_sampled,
        CASE WHEN level IN ('none', 'absent') THEN 1 WHEN level = 'all' THEN 0 END AS decided,
        CASE WHEN level = 'some' AND is_like_ccbot IS NOT NULL THEN coalesce(denied.n, 0) END AS n_denied,
        CASE WHEN level = 'some' AND is_like_ccbot IS NOT NULL THEN coalesce(ever_denied.n, 0) END
            AS n_ever_denied
    FROM observed
    JOIN outcome_levels AS levels USING (outcome)
    LEFT JOIN url_frames USING (snapshot, host)
    LEFT JOIN pooled USING (host)
    LEFT JOIN url_verdicts AS verdicts
        ON verdicts.content_digest = observed.content_digest AND verdicts.agent = levels.agent
    LEFT JOIN denied
        ON denied.snapshot = observed.snapshot AND denied.host = observed.host AND denied.agent = levels.agent
    LEFT JOIN ever_denied
        ON ever_denied.snapshot = observed.snapshot AND ever_denied.host = observed.host
        AND ever_denied.agent = levels.agent
),
shared AS (
    SELECT
        *,
        coalesce(decided * n_urls_sampled, n_urls_sampled - n_denied) AS n_allowed,
        coalesce(decided * n_ever_sampled, n_ever_sampled - n_ever_denied) AS n_ever_allowed,
        coalesce(decided, n_allowed / nullif(n_urls_sampled, 0)) AS share,
        coalesce(decided, n_ever_allowed / nullif(n_ever_sampled, 0)) AS share_ever,
        -- As many pages drawn from an endless host would tell as much.
        1.959963984540054 ^ 2 * (n_urls_seen - n_urls_sampled)
            / nullif(n_urls_sampled * (n_urls_seen - 1.0), 0) AS a
    FROM counted
),
bounded AS (
    SELECT
        *,
        (share + a / 2) / (1 + a) AS middle,
        sqrt(a * share * (1 - share) + a ^ 2 / 4) / (1 + a) AS half
    FROM shared
)
SELECT
    snapshot,
    host,
    agent,
    access_state,
    restriction,
    group_match,
    n_urls_seen,
    n_urls_sampled,
    CASE WHEN share IS NOT NULL THEN n_allowed END AS n_urls_allowed,
    share AS share_accessible,
    CASE
        WHEN decided IS NOT NULL OR n_urls_sampled = n_urls_seen THEN share
        ELSE round(greatest(middle - half, n_allowed / n_urls_seen), 9)
    END AS share_low,
    CASE
        WHEN decided IS NOT NULL OR n_urls_sampled = n_urls_seen THEN share
        ELSE round(least(middle + half, (n_urls_seen - n_urls_sampled + n_allowed) / n_urls_seen), 9)
    END AS share_high,
    is_like_ccbot,
    n_ever_sampled,
    CASE WHEN share_ever IS NOT NULL THEN n_ever_allowed END AS n_ever_allowed,
    share_ever,
    CASE
        WHEN share IS NOT NULL OR access_state IN ('rules', 'empty', 'absent') THEN share
        WHEN end_reason = 'target_not_captured' THEN NULL
        WHEN end_status BETWEEN 200 AND 499 THEN 1
        ELSE 0
    END AS share_rfc9309
FROM bounded
ORDER BY snapshot, host, agent
