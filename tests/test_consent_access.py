"""How robots.txt was obtained, one test per clause of RFC 9309 §2.3.1."""

from __future__ import annotations

import pytest

from consent.access import REFUSALS, classify_access
from consent.vocabulary import AccessState, BodyKind


def test_2_3_1_1_a_successful_answer_is_what_its_body_is() -> None:
    assert classify_access(200, BodyKind.RULES, False) is AccessState.RULES
    assert classify_access(200, BodyKind.EMPTY, False) is AccessState.EMPTY


@pytest.mark.parametrize("status", [200, 201, 203, 204, 206, 299])
def test_2_3_1_1_any_2xx_is_successful(status: int) -> None:
    assert classify_access(status, BodyKind.RULES, False) is AccessState.RULES


def test_2_3_1_1_success_without_a_body_is_empty() -> None:
    assert classify_access(204, None, False) is AccessState.EMPTY


@pytest.mark.parametrize("kind", [BodyKind.HTML, BodyKind.OTHER])
def test_2_3_1_1_other_matter_is_not_robots(kind: BodyKind) -> None:
    assert classify_access(200, kind, False) is AccessState.NOT_ROBOTS


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("kind", [None, BodyKind.HTML])
def test_2_3_1_2_a_redirect_that_is_the_last_answer_is_unresolved(status: int, kind: BodyKind | None) -> None:
    assert classify_access(status, kind, False) is AccessState.UNRESOLVED_REDIRECT


@pytest.mark.parametrize("status", [400, 402, 404, 405, 406, 410, 418, 444, 499])
@pytest.mark.parametrize("kind", [None, BodyKind.HTML, BodyKind.RULES])
def test_2_3_1_3_unavailable_is_absent_whatever_the_body(status: int, kind: BodyKind | None) -> None:
    assert classify_access(status, kind, False) is AccessState.ABSENT


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_2_3_1_3_refusals_are_kept_apart_from_absence(status: int) -> None:
    assert classify_access(status, None, False) is AccessState.REFUSED


def test_refusals_are_these() -> None:
    assert {401, 403, 429, 451, 999} == REFUSALS


@pytest.mark.parametrize("status", [500, 502, 503, 520, 530, 599])
def test_2_3_1_4_unreachable_is_server_error(status: int) -> None:
    assert classify_access(status, BodyKind.RULES, False) is AccessState.SERVER_ERROR


@pytest.mark.parametrize("status", [-1, 0, 100, 199, 600, 998])
def test_2_3_1_4_no_final_status_is_server_error(status: int) -> None:
    assert classify_access(status, None, False) is AccessState.SERVER_ERROR


@pytest.mark.parametrize("status", [200, 202, 302, 404, 405, 503])
def test_challenge_is_a_refusal_under_any_status(status: int) -> None:
    assert classify_access(status, BodyKind.RULES, True) is AccessState.REFUSED


def test_no_answer_at_all_is_never_concluded_from_an_answer() -> None:
    for status in range(-1, 1000):
        states = {classify_access(status, kind, False) for kind in (None, *BodyKind)}
        assert AccessState.NOT_CAPTURED not in states
