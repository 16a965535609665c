-- What does each body declare to each agent that it names, and to all others (*), in each dialect?
-- One row per body, dialect and agent. An agent without a row gets the row of *.
--
-- content_digest: SHA-1 of the body as read, in base32
-- agent: Product token, spelt as in the registry (else lower-cased), or * for every agent not named
-- dialect: Named reading of RFC 9309
-- dialect_version: Version of that reading
-- group_match: specific (a group names the agent), wildcard (the * group speaks) or none
-- restriction: By the rules' effect: none, some or all
-- restriction_longpre2024: By the rule of Longpre et al. (2024) over the same groups: none, some or all
-- crawl_delay: Crawl-delay for the agent in seconds; empty when none is stated
SELECT
    content_digest,
    agent,
    dialect,
    dialect_version,
    group_match,
    restriction,
    restriction_longpre2024,
    crawl_delay
FROM readings JOIN rulesets USING (ruleset)
