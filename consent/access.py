"""How robots.txt was obtained: one judgement about the answer, apart from what the body says."""

from __future__ import annotations

from consent.vocabulary import AccessState, BodyKind

# Answers that say "not to you" rather than "no such file". RFC 9309 §2.3.1.3 would let a crawler in for any
# 4xx; others (Common Crawl's own bot, for one) stay out: the state is kept apart so that a reader can choose.
REFUSALS = frozenset({401, 403, 429, 451, 999})

_STATE_OF_BODY = {
    BodyKind.RULES: AccessState.RULES,
    BodyKind.EMPTY: AccessState.EMPTY,
    BodyKind.HTML: AccessState.NOT_ROBOTS,
    BodyKind.OTHER: AccessState.NOT_ROBOTS,
}


def classify_access(status: int, kind: BodyKind | None, has_refusal_marker: bool) -> AccessState:
    """Classify a final answer by its HTTP status, what its body is (None when not known) and its markers.

    `has_refusal_marker` is true when the answer carries a marker of refusal: it outranks every status, since
    challenges are also sent with 200. Else 401, 403, 429, 451 and 999 are `refused`; a 2xx is what its body
    is (`empty` when there is none); 3xx is `unresolved_redirect` (§2.3.1.2); other 4xx are `absent`
    (§2.3.1.3); 5xx is `server_error` (§2.3.1.4), and so is what is no final HTTP status (1xx, 0).
    """
    if has_refusal_marker or status in REFUSALS:
        return AccessState.REFUSED
    if 200 <= status < 300:
        return AccessState.EMPTY if kind is None else _STATE_OF_BODY[kind]
    if 300 <= status < 400:
        return AccessState.UNRESOLVED_REDIRECT
    if 400 <= status < 500:
        return AccessState.ABSENT
    return AccessState.SERVER_ERROR
