-- What was lost or passed over, and why?
--
-- stage: Stage of the run that lost it
-- reason: Why
-- n_snapshots: Snapshots in which it happened
-- n_records: Records or files
-- n_bytes: Bytes
SELECT
    stage,
    reason,
    count(DISTINCT snapshot) AS n_snapshots,
    sum(n_records)::BIGINT AS n_records,
    sum(n_bytes)::BIGINT AS n_bytes
FROM losses
GROUP BY stage, reason
ORDER BY 4 DESC, stage, reason
