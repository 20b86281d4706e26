"""Countries by the names that rules give them."""

from __future__ import annotations

from accord.policy.countries import named_as

D5 = frozenset({"CN", "RU", "IR", "KP"})


def test_groups_come_first_and_what_is_left_by_its_code() -> None:
    assert named_as({*D5, "MO"}, {"D:5": D5, "MO": frozenset({"MO"})}) == ("D:5", "MO")


def test_where_no_group_helps_the_codes_stand() -> None:
    assert set(named_as({"FR", "DE"}, {"D:5": D5})) == {"FR", "DE"}
    assert named_as({"FR"}, {}) == ("FR",)
