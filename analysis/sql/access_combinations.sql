-- Which kinds of answer occur, and so have to be given an access state before the models are built?
-- All captures are counted, also those that no chain of redirects reaches.
--
-- fetch_status: HTTP status of the answer
-- body_kind: Kind of the body of a 2xx answer; empty text for other answers and where the body is not known
-- has_refusal_marker: Whether the answer carries the marker of a refusal
SELECT DISTINCT
    fetch_status,
    coalesce(body_kind, '') AS body_kind,
    refusal_marker IS NOT NULL AS has_refusal_marker
FROM captures
LEFT JOIN bodies ON bodies.content_digest = captures.content_digest AND fetch_status BETWEEN 200 AND 299
ORDER BY ALL
