"""The era table, row by row of what is known of the robotstxt subset."""

import pytest

from snapshots.eras import ERAS, breaks_between, columns_missing_in, columns_of, era_of, notes_of

ROWS = [era.first_snapshot for era in ERAS]


def test_rows_are_in_order_and_unique() -> None:
    assert sorted(set(ROWS)) == ROWS


def test_2016_36_dates_are_the_servers_and_targets_lie_under_the_first_url() -> None:
    era = era_of("CC-MAIN-2016-36")
    assert (era.is_date_trusted, era.is_target_under_own_url, era.max_redirects) == (False, False, 1)
    assert (era.may_keep_chunked, era.has_serial_names) == (True, False)
    assert era_of("CC-MAIN-2016-50") is era


def test_2017_04_dates_are_fetch_times() -> None:
    era = era_of("CC-MAIN-2017-04")
    assert (era.is_date_trusted, era.is_target_under_own_url, era.has_serial_names) == (True, False, False)


def test_2017_22_names_carry_serials() -> None:
    era = era_of("CC-MAIN-2017-22")
    assert (era.has_serial_names, era.is_target_under_own_url) == (True, False)
    assert not era_of("CC-MAIN-2017-17").has_serial_names


def test_2017_26_targets_have_their_own_url() -> None:
    era = era_of("CC-MAIN-2017-26")
    assert (era.is_target_under_own_url, era.is_series_break) == (True, True)
    assert era.is_date_trusted


def test_2018_34_has_an_extra_crlf_in_that_snapshot_only() -> None:
    assert era_of("CC-MAIN-2018-34").has_extra_crlf
    assert era_of("CC-MAIN-2018-34").is_series_break
    assert not era_of("CC-MAIN-2018-30").has_extra_crlf
    assert not era_of("CC-MAIN-2018-39").has_extra_crlf
    assert not era_of("CC-MAIN-2018-39").is_series_break


@pytest.mark.parametrize("snapshot", ["CC-MAIN-2018-34", "CC-MAIN-2018-39", "CC-MAIN-2019-43"])
def test_2018_34_to_2019_43_dates_are_the_servers_again(snapshot: str) -> None:
    assert not era_of(snapshot).is_date_trusted


def test_2019_47_dates_are_trusted_again() -> None:
    assert era_of("CC-MAIN-2019-47").is_date_trusted
    assert era_of("CC-MAIN-2019-47").is_series_break


def test_2021_31_and_2023_50_break_the_series() -> None:
    assert era_of("CC-MAIN-2021-31").is_series_break
    assert era_of("CC-MAIN-2023-50").is_series_break


def test_2022_05_is_no_break() -> None:
    assert not era_of("CC-MAIN-2022-05").is_series_break


def test_2023_50_follows_five_redirects() -> None:
    assert era_of("CC-MAIN-2023-40").max_redirects == 1
    assert [era_of(s).max_redirects for s in ("CC-MAIN-2023-50", "CC-MAIN-2024-30", "CC-MAIN-2026-01")] == [
        5
    ] * 3


def test_2025_13_keeps_five_mebibytes() -> None:
    assert era_of("CC-MAIN-2025-08").max_body_bytes == 1 << 20
    assert era_of("CC-MAIN-2025-13").max_body_bytes == 5 << 20
    assert era_of("CC-MAIN-2024-33").change.startswith("HTTP/2")


def test_later_snapshots_belong_to_the_last_era_and_earlier_ones_to_the_first() -> None:
    assert era_of("CC-MAIN-2031-01") is ERAS[-1]
    assert era_of("CC-MAIN-2013-20") is ERAS[0]


def test_the_breaks_of_the_series() -> None:
    breaks = [era.first_snapshot[8:] for era in breaks_between("CC-MAIN-2016-36", "CC-MAIN-2026-01")]
    assert breaks == ["2017-26", "2018-34", "2019-47", "2021-31", "2023-50"]
    assert breaks_between("CC-MAIN-2024-10", "CC-MAIN-2025-33") == ()
    assert [era.first_snapshot for era in breaks_between("CC-MAIN-2021-25", "CC-MAIN-2021-31")] == [
        "CC-MAIN-2021-31"
    ]


def test_columns_of_the_index_came_in_over_time() -> None:
    late = {
        "content_mime_detected",
        "content_charset",
        "content_languages",
        "fetch_redirect",
        "content_truncated",
    }
    assert columns_missing_in("CC-MAIN-2018-30") == late
    assert columns_missing_in("CC-MAIN-2018-34") == late - {"content_mime_detected"}
    assert columns_missing_in("CC-MAIN-2018-39") == {"fetch_redirect", "content_truncated"}
    assert columns_missing_in("CC-MAIN-2019-47") == frozenset()
    assert columns_of("CC-MAIN-2018-30", ("url", "fetch_redirect")) == ("url",)


def test_notes_say_what_changed_and_whether_it_breaks_the_series() -> None:
    assert notes_of("CC-MAIN-2021-39").startswith("since CC-MAIN-2021-31 (break of the series): answers")
    assert notes_of("CC-MAIN-2022-05").startswith("since CC-MAIN-2022-05: hosts")
