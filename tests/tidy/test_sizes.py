import pytest

from tests.tidy.sizes import FUNCTION_LINES_USUAL, USUAL_SHARE_MIN, empty_names, long_functions, long_module, usual_share
from tests.tidy.tree import PACKAGE, modules, sample

EVERYTHING = (PACKAGE, "tests/", "tools/", "benchmarks/")


def test_no_function_is_longer_than_a_page() -> None:
    assert [str(finding) for module in modules(*EVERYTHING) for finding in long_functions(module)] == []


def test_nine_functions_in_ten_fit_a_screen() -> None:
    assert usual_share(modules(PACKAGE)) >= USUAL_SHARE_MIN, f"more than one in ten is longer than {FUNCTION_LINES_USUAL} lines"


def test_no_module_is_too_long() -> None:
    assert [str(finding) for module in modules(*EVERYTHING) for finding in long_module(module)] == []


def test_every_name_says_what_is_inside() -> None:
    assert [str(finding) for module in modules(*EVERYTHING) for finding in empty_names(module)] == []


def test_a_long_function_is_found() -> None:
    bad = sample("def f():\n" + "    x = 1\n" * 70)
    assert [finding.line for finding in long_functions(bad)] == [1]
    assert long_functions(sample("def f():\n" + "    x = 1\n" * 69)) == []


def test_a_long_method_is_found() -> None:
    assert len(long_functions(sample("class A:\n    async def f(self):\n" + "        x = 1\n" * 70))) == 1


def test_a_long_module_is_found() -> None:
    assert len(long_module(sample("x = 1\n" * 501))) == 1
    assert long_module(sample("x = 1\n" * 500)) == []


def test_the_share_counts_functions() -> None:
    short, long = "def f():\n    x = 1\n", "def g():\n" + "    x = 1\n" * 30
    assert usual_share([sample(short * 3 + long)]) == 0.75


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/theo/engine/utils.py", ""),
        ("src/theo/engine/order_manager.py", ""),
        ("src/theo/helpers/orders.py", ""),
        ("src/theo/engine/orders.py", "class OrderManager: ..."),
    ],
)
def test_an_empty_name_is_found(path: str, text: str) -> None:
    assert len(empty_names(sample(text, path))) == 1


def test_a_name_of_the_field_is_fine() -> None:
    assert empty_names(sample("class OrderBook: ...", "src/theo/engine/commands.py")) == []
