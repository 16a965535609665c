-- Which observations count on each basis?
-- An estimate is worked out several times, each time believing a little more of what was carried forward.
--
-- basis: observed (captured in this very snapshot), carried_1y (or carried forward for at most 365 days),
--   carried (or carried forward without limit), or carried_files (the last file that was served with
--   success, whatever was answered since, as Longpre et al. (2024) carry)
-- freshness: observed, within_1y, older or last_file, as in known_outcomes
SELECT basis, unnest(freshnesses) AS freshness
FROM (VALUES
    ('observed', ['observed']),
    ('carried_1y', ['observed', 'within_1y']),
    ('carried', ['observed', 'within_1y', 'older']),
    ('carried_files', ['last_file'])
) AS bases (basis, freshnesses)
