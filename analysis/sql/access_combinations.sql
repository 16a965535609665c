-- Which kinds of answer occur, and so have to be given an access state before the models are built?
-- All captures are counted, also those that no chain of redirects reaches.
--
-- fetch_status: HTTP status of the answer
-- body_kind: Kind of the body of a 2xx answer; empty text for other answers and where the body is not known
-- is_challenge: Whether the answer carries the marker of a challenge
SELECT DISTINCT
    fetch_status,
    coalesce(body_kind, '') AS body_kind,
    coalesce(refusal_marker LIKE '%/challenge%', false) AS is_challenge
FROM captures
LEFT JOIN bodies ON bodies.content_digest = captures.content_digest AND fetch_status BETWEEN 200 AND 299
ORDER BY ALL
