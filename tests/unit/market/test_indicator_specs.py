"""Names of indicators: read, written, and refused with the wrong part named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theo.domain.errors import ConfigError
from theo.market.indicators.spec import DEFINITIONS, WINDOW_MAX, IndicatorSpec, parse_output, parse_spec


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("atr", "atr(14)"),
        ("atr()", "atr(14)"),
        (" atr ( 20 ) ", "atr(20)"),
        ("atr(n=20)", "atr(20)"),
        ("atr(20, wilder)", "atr(20)"),
        ("atr(20, mean)", "atr(20, smoothing=mean)"),
        ("atr(smoothing = mean)", "atr(14, smoothing=mean)"),
        ("atr_stop(m=2.5)", "atr_stop(14, 2.5)"),
        ("pivot", "pivot()"),
        ("pivot(camarilla)", "pivot(kind=camarilla)"),
        (f"sma({WINDOW_MAX})", f"sma({WINDOW_MAX})"),
    ],
)
def test_read_and_written(text: str, canonical: str) -> None:
    assert parse_spec(text).text == canonical
    assert parse_spec(canonical) == parse_spec(text)


@st.composite
def specs(draw: st.DrawFn) -> IndicatorSpec:
    name = draw(st.sampled_from(sorted(DEFINITIONS)))
    definition = DEFINITIONS[name]
    drawn: list[int | float | str] = []
    for key, default in definition.parameters.items():
        if key in definition.choices:
            drawn.append(draw(st.sampled_from(definition.choices[key])))
        elif isinstance(default, int):
            drawn.append(draw(st.integers(1, WINDOW_MAX)))
        else:
            drawn.append(draw(st.floats(0.01, 100.0)))
    return IndicatorSpec(name, tuple(drawn))


@given(specs())
def test_what_is_written_is_read_as_the_same(spec: IndicatorSpec) -> None:
    assert parse_spec(spec.text) == spec
    for output in spec.definition.outputs:
        assert parse_output(f"{spec.text}.{output}") == (spec, output)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("atr(14", "'atr(14' is not an indicator. Write for example"),
        ("", "'' is not an indicator"),
        ("ATR(14)", "'ATR(14)' is not an indicator"),
        ("macd(12)", "indicator 'macd' is not known. Known are atr, atr_stop, donchian"),
        ("sma(0)", "'sma(0)': n is '0'. Use a whole number from 1 to 10000"),
        ("sma(10001)", "n is '10001'"),
        ("sma(-3)", "n is '-3'"),
        ("sma(2.5)", "n is '2.5'. Use a whole number"),
        ("sma(ten)", "n is 'ten'"),
        ("atr_stop(14, x)", "m is 'x'. Use a number"),
        ("atr_stop(14, nan)", "m is 'nan'"),
        ("atr_stop(14, inf)", "m is 'inf'"),
        ("atr(14, smoothing=ema)", "smoothing is 'ema'. Choose wilder or mean"),
        ("pivot(woodie)", "kind is 'woodie'. Choose classic or fibonacci or camarilla"),
        ("sma(20, 30)", "'30' is not a parameter of sma. It takes n, in this order"),
        ("sma(length=20)", "'length=20' is not a parameter of sma"),
        ("true_range(3)", "'3' is not a parameter of true_range. Write true_range"),
        ("atr(14, n=20)", "n is given twice. Give n once"),
    ],
)
def test_the_wrong_part_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_spec(text)
    assert said in str(error.value)


def test_outputs() -> None:
    assert parse_output("sma(20)") == (parse_spec("sma(20)"), "value")
    assert parse_output("atr_stop(14, 2.5).level") == (parse_spec("atr_stop(14, 2.5)"), "level")
    assert parse_output("atr_stop(14, 2.5)  .side") == (parse_spec("atr_stop(14, 2.5)"), "side")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("donchian(20)", "which output? Write donchian(20).upper or .lower"),
        ("donchian(20).middle", "which output? Write donchian(20).upper or .lower"),
        ("atr_stop(14, 2.5)", "which output? Write atr_stop(14, 2.5).level or .side"),
        ("sma(20).upper", "which output? Write sma(20).value"),
        ("nothing(3).value", "indicator 'nothing' is not known"),
    ],
)
def test_a_wrong_output_is_told_which_there_are(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_output(text)
    assert said in str(error.value).replace("?. ", "? ")
