"""Numbers with units, in and out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base import units
from accord.base.errors import AccordError, UnitError


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("3.2 TB/s", "B/s", 3.2e12),
        ("3.2TBps", "B/s", 3.2e12),
        ("400 Gbps", "b/s", 400e9),
        ("400 Gbit/s", "b/s", 400e9),
        ("400 Gb/s", "b/s", 400e9),
        ("128 GB", "B", 128e9),
        ("80 GiB", "B", 80 * 2**30),
        ("1 KB", "B", 1000.0),
        ("16 bytes", "B", 16.0),
        ("800 TFLOPS", "FLOP/s", 800e12),
        ("800 TFLOP/s", "FLOP/s", 800e12),
        ("1,504 TOPS", "OP/s", 1504e12),
        ("1e26 FLOP", "FLOP", 1e26),
        ("559 kW", "W", 559e3),
        ("1.2 MWh", "J", 4.32e9),
        ("50ms", "s", 0.05),
        ("1.2 us", "s", 1.2e-6),
        ("1.2 \N{MICRO SIGN}s", "s", 1.2e-6),
        ("1.2 \N{GREEK SMALL LETTER MU}s", "s", 1.2e-6),
        ("90 min", "s", 5400.0),
        ("2 days", "h", 48.0),
        ("814 mm2", "m2", 814e-6),
        ("814 mm\N{SUPERSCRIPT TWO}", "mm2", 814.0),
        ("7 nm", "nm", 7.0),
        ("8.2 million USD", "USD", 8.2e6),
        ("0.14 USD/kWh", "USD/MWh", 140.0),
        ("48 USD/day", "USD/h", 2.0),
        ("0.55 USD/Mtok", "USD/Mtok", 0.55),
        ("2 ktok/s", "tok/s", 2000.0),
        ("671 billion", "1", 671e9),
        ("84 %", "1", 0.84),
        ("128k", "1", 128000.0),
        ("4Ki", "1", 4096.0),
        ("-0.5", "1", -0.5),
        (".5", "1", 0.5),
        (3, "1", 3.0),
        (0.1, "1", 0.1),
    ],
)
def test_parse(text: str | float, unit: str, value: float) -> None:
    assert units.parse(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        (
            "3.2 Tb/s",
            "B/s",
            "link is '3.2 Tb/s', a bit rate; this takes bytes per second\n"
            "hint: write '3.2 TB/s', or '0.4 TB/s' if the source meant bits",
        ),
        (
            "50 GBps",
            "b/s",
            "link is '50 GBps', a byte rate; this takes bits per second\n"
            "hint: write '50 Gbps', or '400 Gbps' if the source meant bytes",
        ),
        (
            "8 Gbit",
            "B",
            "link is '8 Gbit', a size in bits; this takes bytes\n"
            "hint: write '8 GB', or '1 GB' if the source meant bits",
        ),
        (
            "0 Gb/s",
            "B/s",
            "link is '0 Gb/s', a bit rate; this takes bytes per second\n"
            "hint: write '0 GB/s', or '0 GB/s' if the source meant bits",
        ),
        ("5 GB", "W", "link is '5 GB', a size in bytes; this takes watts\nhint: write it as in '600 W'"),
        (
            "2 USD/h",
            "USD/kWh",
            "link is '2 USD/h', a value in USD/h; this takes USD/kWh\nhint: write it as in '2.5 USD/kWh'",
        ),
        (5, "s", "link is 5, a number without a unit; this takes seconds\nhint: write '5 s' or, say, '50 ms'"),
        (" 5 ", "W", "link is '5', a number without a unit; this takes watts\nhint: write '5 W' or, say, '600 W'"),
        (
            "671B",
            "1",
            "link is '671B', a size in bytes; this takes a plain number\nhint: write '671 billion' if that was meant",
        ),
        (
            "4 gb/s",
            "B/s",
            "link is '4 gb/s'; 'gb/s' is no unit Accord knows\nhint: did you mean 'Gb/s' or 'GB/s'? Case matters",
        ),
        ("4K", "1", "link is '4K'; 'K' is no unit Accord knows\nhint: write k for 1,000 or Ki for 1,024"),
        (
            "2 PFLOPs",
            "FLOP/s",
            "link is '2 PFLOPs'; 'PFLOPs' is no unit Accord knows\n"
            "hint: write 'PFLOP/s' for a rate, 'PFLOP' for a count",
        ),
        ("nan", "1", "link is 'nan', not a finite number\nhint: leave it out if it is not known"),
        ("-.inf W", "W", "link is '-.inf W', not a finite number\nhint: leave it out if it is not known"),
        (float("inf"), "1", "link is inf, not a finite number\nhint: leave it out if it is not known"),
        ("1e400 W", "W", "link is '1e400 W', not a finite number\nhint: leave it out if it is not known"),
        (True, "1", "link is true; a number with a unit is wanted\nhint: write it as in '3.2 TB/s'"),
        ("fast", "s", "link is 'fast'; a number with a unit is wanted\nhint: write it as in '3.2 TB/s'"),
        (".", "1", "link is '.'; a number with a unit is wanted\nhint: write it as in '3.2 TB/s'"),
        ("1.2.3 W", "W", "link is '1.2.3 W'; a number with a unit is wanted\nhint: write it as in '3.2 TB/s'"),
        ("1,50 W", "W", "link is '1,50 W'; a number with a unit is wanted\nhint: write it as in '3.2 TB/s'"),
        ("1e99999999 W", "W", "link is '1e99999999 W'; 'e99999999 W' is no unit Accord knows"),
        (
            "7" * 200,
            "1",
            "link is '" + "7" * 40 + "...'; a number with a unit is wanted\nhint: write it as in '3.2 TB/s'",
        ),
    ],
)
def test_parse_refuses(text: str | float, unit: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        units.parse(text, unit, name="link")
    assert str(caught.value).startswith(message)


def test_an_unknown_wanted_unit() -> None:
    with pytest.raises(UnitError, match="unit is 'W/furlong'"):
        units.parse("1 W", "W/furlong")
    with pytest.raises(UnitError, match="unit is 'parsec'"):
        units.dimension("parsec")
    assert units.dimension("ms") == units.dimension("h") == "s"


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("80 GB", 80e9, "B"),
        ("814 mm2", 814.0, "mm2"),
        ("8 cm2", 8e-4, "m2"),
        ("150 SGD/MWh", 0.15, "SGD/kWh"),
        ("3 kW", 3000.0, "W"),
        ("3 h", 10800.0, "s"),
        ("12", 12.0, "1"),
        (12, 12.0, "1"),
        ("2.6 x", 2.6, "1"),
        ("12000 CNY/month", 12000.0, "CNY/month"),
    ],
)
def test_parse_any(text: str | float, value: float, unit: str) -> None:
    assert units.parse_any(text) == (value, unit)
    assert unit in units.known_units()


def test_parse_any_refuses_unknown_units() -> None:
    with pytest.raises(UnitError, match="cost is '2 fortnights'; 'fortnights' is no unit Accord knows"):
        units.parse_any("2 fortnights", name="cost")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.2e12, "B/s", "3.2 TB/s"),
        (999.96e9, "B", "1 TB"),
        (0.5, "W", "500 mW"),
        (0.5, "B", "0.5 B"),
        (2733.4, "tok/s", "2,733 tok/s"),
        (8.2e6, "USD", "8.2 million USD"),
        (671e9, "1", "671 billion"),
        (384.0, "1", "384"),
        (0.000123, "1", "0.000123"),
        (0.0494, "s", "49.4 ms"),
        (1.9e-6, "s", "1.9 us"),
        (3e-10, "s", "0.3 ns"),
        (90.0, "s", "90 s"),
        (8000.0, "s", "2.22 h"),
        (5e5, "s", "5.79 d"),
        (1e26, "FLOP", "1e26 FLOP"),
        (3.14e24, "FLOP", "3.14e24 FLOP"),
        (2e12, "FLOP", "2 TFLOP"),
        (0.0, "B", "0 B"),
        (-2e9, "B", "-2 GB"),
        (float("inf"), "s", "inf s"),
        (2.5, "USD/h", "2.5 USD/h"),
    ],
)
def test_show(value: float, unit: str, text: str) -> None:
    assert units.show(value, unit) == text


@given(
    value=st.floats(min_value=1e-12, max_value=1e22),
    sign=st.sampled_from((1, -1)),
    unit=st.sampled_from(units.known_units()),
    digits=st.integers(min_value=2, max_value=9),
)
def test_what_is_shown_is_read_back(value: float, sign: int, unit: str, digits: int) -> None:
    text = units.show(sign * value, unit, digits)
    back = units.parse(text, unit)
    assert abs(back - sign * value) <= 0.5000001 * 10.0 ** (1 - digits) * value
    assert units.parse(units.show(back, unit, digits), unit) == pytest.approx(back, rel=1e-12)


PREFIX = st.sampled_from(("", "k", "M", "G", "T", "Ki", "Mi", "Gi"))
NUMBER = st.floats(min_value=0.001, max_value=1e6).map(lambda x: f"{x:.6g}" if x < 1e5 else f"{x:.0f}")


@given(number=NUMBER, prefix=PREFIX, rate=st.booleans())
def test_bits_are_never_bytes(number: str, prefix: str, rate: bool) -> None:
    tail = "/s" if rate else ""
    for have, want in (("b", "B"), ("B", "b")):
        with pytest.raises(UnitError, match="if the source meant"):
            units.parse(f"{number} {prefix}{have}{tail}", want + tail)
        assert units.parse_any(f"{number} {prefix}{have}{tail}")[1] == have + tail


@given(text=st.text(max_size=40) | st.from_regex(r"[0-9.,eE+-]{1,8} ?[A-Za-z/%2]{0,8}", fullmatch=True))
def test_any_text_is_a_number_or_a_clear_error(text: str) -> None:
    for unit in ("B/s", "1"):
        try:
            assert isinstance(units.parse(text, unit), float)
            assert units.parse_any(text)[1] == unit
        except AccordError as err:
            assert err.what
