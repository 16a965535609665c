-- What was lost or passed over in each snapshot, and why?
-- One row per snapshot, stage and reason.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- stage: Stage that counted the loss
-- reason: Why
-- n_records: Records or files, as far as they could be counted
-- n_bytes: Bytes of the archive, as far as they could be counted
SELECT
    snapshot,
    stage,
    reason,
    sum(n_records)::BIGINT AS n_records,
    sum(n_bytes)::BIGINT AS n_bytes
FROM losses
GROUP BY snapshot, stage, reason
ORDER BY snapshot, stage, reason
