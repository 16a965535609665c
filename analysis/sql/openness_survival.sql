-- How long do hosts stay open to each agent?
-- One row per agent, stratum and snapshot from the agent's clock on in which a host enters or leaves: the
-- Kaplan-Meier estimate with delayed entry, over open_spells. A host enters when it is first observed open,
-- leaves with an event when it is first observed at level all, and is censored at its last observation as
-- open. What the true curve can be lies between survival (events dated when they were seen) and
-- survival_early (dated the day after the host was last seen open). Second spells are in churn only.
--
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- stratum: (all), or a stratum of the study, or (none)
-- day: Days from the agent's day 0 to the start of the snapshot
-- snapshot: Common Crawl release that began on that day
-- origin_on: The agent's day 0
-- origin_basis: first_listed, or first_snapshot where the listing lies before the study or has no date
-- n_hosts: Hosts of the curve: all that were ever observed open on or after day 0
-- n_domains: Their registrable domains
-- n_at_risk: Hosts that entered before this day and had not left before it
-- n_entered: Hosts first observed open on this day; they are at risk from the next day on
-- n_events: Hosts at risk that were first observed at level all on this day
-- n_censored: Hosts last observed on this day, as open
-- survival: Estimated share still open after this day; empty when no host was ever at risk
-- survival_low: Lower end of its 95 % interval (Greenwood's variance, log-log); empty before the first event
-- survival_high: Upper end of it
-- survival_early: The same estimate with each event on the day after the host was last seen open
-- design_effect: Variance when hosts of one registrable domain close together over variance when they
--   close apart; empty before the first event and with fewer than two domains
-- clustered_low: Lower end of the 95 % interval with the variance times design_effect; empty as that is
-- clustered_high: Upper end of it
SELECT
    curves.agent,
    stratum,
    day,
    snapshot,
    origin_on,
    origin_basis,
    n_hosts,
    n_domains,
    n_at_risk,
    n_entered,
    n_events,
    n_censored,
    survival,
    survival_low,
    survival_high,
    survival_early,
    design_effect,
    clustered_low,
    clustered_high
FROM survival_curves AS curves
JOIN survival_origins AS clocks ON clocks.agent = curves.agent
JOIN (SELECT starts_on, min(snapshot) AS snapshot FROM snapshot_order GROUP BY starts_on) AS dated
    ON dated.starts_on = clocks.origin_on + curves.day::INTEGER
ORDER BY curves.agent, stratum, day
