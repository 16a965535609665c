-- Which hosts of the study do the snapshots hold?
--
-- snapshot: Common Crawl release
-- starts_on: Day the release began to crawl
-- n_files_planned: Files that the study set out to read
-- n_files_read: Files read
-- n_captures: Captures found, also of hosts outside the study
-- n_hosts_captured: Hosts of the study captured in the snapshot
-- n_hosts_captured_before: Those captured in an earlier snapshot, not in it
-- n_hosts_never_captured: Those captured in no snapshot so far
-- n_records_lost: Records or files lost or passed over
SELECT
    snapshot,
    starts_on,
    n_files_planned,
    n_files_read,
    n_captures,
    n_hosts_observed AS n_hosts_captured,
    n_hosts_carried AS n_hosts_captured_before,
    n_hosts_never_captured,
    n_records_lost
FROM coverage JOIN snapshot_order USING (snapshot)
WHERE starts_on IS NOT NULL
ORDER BY starts_on, snapshot
