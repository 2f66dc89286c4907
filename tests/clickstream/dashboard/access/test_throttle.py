from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.access.builders import Clock

from clickstream.dashboard.access.login import (
    FIRST_WAIT_SECONDS,
    FORGET_SECONDS,
    FREE_FAILURES,
    LONGEST_WAIT_SECONDS,
    Throttle,
)


def fail(throttle: Throttle, times: int, account: str = "ana", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert throttle.begin(account, address) == 0


def test_waits_begin_after_five_failures_and_double_to_five_minutes() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    fail(throttle, FREE_FAILURES)
    waits = []
    for _ in range(9):
        waits.append(throttle.begin("ana", "192.0.2.1"))
        clock.now += waits[-1]
        fail(throttle, 1)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert (waits[0], waits[-1]) == (FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)


def test_a_refused_login_does_not_make_the_wait_longer() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    fail(throttle, FREE_FAILURES)
    for left in (5, 5, 5):
        assert throttle.begin("ana", "192.0.2.1") == left
    clock.now += 4.5
    assert throttle.begin("ana", "192.0.2.1") == 1
    clock.now += 0.5
    assert throttle.begin("ana", "192.0.2.1") == 0


def test_an_account_is_throttled_for_all_addresses_and_an_address_for_all_accounts() -> None:
    clock = Clock()
    by_account, by_address = Throttle(clock), Throttle(clock)
    for number in range(FREE_FAILURES):
        fail(by_account, 1, "ana", f"192.0.2.{number}")
        fail(by_address, 1, f"user{number}", "192.0.2.1")
    assert by_account.begin("ana", "198.51.100.1") > 0
    assert by_account.begin("ben", "198.51.100.1") == 0
    assert by_address.begin("nobody", "192.0.2.1") > 0
    assert by_address.begin("nobody", "192.0.2.2") == 0


def test_logins_at_once_count_before_their_passwords_are_checked() -> None:
    throttle = Throttle(Clock())
    begun = [throttle.begin("ana", "192.0.2.1") for _ in range(50)]
    assert begun.count(0) == FREE_FAILURES


def test_a_success_clears_the_account_and_takes_back_one_count_of_the_address() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    fail(throttle, FREE_FAILURES - 1)
    fail(throttle, 1)
    throttle.succeed("ana", "192.0.2.1")
    assert throttle.begin("ana", "192.0.2.9") == 0
    fail(throttle, 1, "ben")  # the fifth failure of the address
    assert throttle.begin("ben", "192.0.2.1") > 0


def test_an_own_account_does_not_reset_the_address_of_a_guesser() -> None:
    throttle = Throttle(Clock())
    refused = 0
    for number in range(20):
        if throttle.begin(f"victim{number}", "192.0.2.1"):
            refused += 1
        if throttle.begin("own", "192.0.2.1") == 0:
            throttle.succeed("own", "192.0.2.1")
    assert refused == 20 - FREE_FAILURES


def test_failures_are_forgotten_after_an_hour() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    fail(throttle, FREE_FAILURES)
    clock.now += FORGET_SECONDS
    fail(throttle, FREE_FAILURES)


@given(st.lists(st.tuples(st.text(), st.text(max_size=8), st.floats(0, 100)), max_size=60))
def test_memory_is_bounded_whatever_is_tried(tries: list[tuple[str, str, float]]) -> None:
    clock = Clock()
    throttle = Throttle(clock, max_entries=10)
    for account, address, seconds in tries:
        clock.now += seconds
        assert 0 <= throttle.begin(account, address) <= LONGEST_WAIT_SECONDS
        assert len(throttle) <= 10


def test_long_names_that_begin_alike_take_one_entry() -> None:
    throttle = Throttle(Clock())
    for number in range(3):
        throttle.begin("a" * 100_000 + str(number), "192.0.2.1")
    assert len(throttle) == 2
