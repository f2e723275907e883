import pytest

from tests.tidy.purity import EXEMPT, approvals_made, banned_imports, banned_uses, float_sums, impure
from tests.tidy.tree import PACKAGE, modules, pure_modules, sample

# The journal codec rebuilds what risk once approved; nothing else may.
APPROVERS = ("src/theo/risk/", "src/theo/engine/codec.py")
# Kernels: the same bits from the live step, the compiled loop and every version of Python.
KERNELS = ("src/theo/market/indicators/", "src/theo/market/correlation")


def test_nothing_below_the_shell_reaches_outside() -> None:
    assert [str(finding) for module in pure_modules() for finding in impure(module)] == []


def test_every_exemption_is_used_and_has_a_reason() -> None:
    used = {(module.path, name) for module in pure_modules() for _, name in banned_imports(module) + banned_uses(module)}
    assert EXEMPT.keys() <= used
    assert all(len(reason) > 10 for reason in EXEMPT.values())


def test_only_risk_and_the_journal_codec_approve() -> None:
    others = [module for module in modules(PACKAGE) if not module.path.startswith(APPROVERS)]
    assert [str(finding) for module in others for finding in approvals_made(module)] == []


def test_kernels_add_in_loops() -> None:
    assert [str(finding) for module in modules(*KERNELS) for finding in float_sums(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\n",
        "import random as chance\n",
        "from threading import Thread\n",
        "from os import urandom\n",
        "def f():\n    import uuid\n",
        "import os.path\n",
        "from concurrent.futures import ThreadPoolExecutor\n",
        "from zoneinfo import ZoneInfo\n",
        "import datetime\ndatetime.datetime.now()\n",
        "from datetime import datetime\ndatetime.utcnow()\n",
        "from datetime import datetime as clock\nnow = clock.now\n",
        "from datetime import date\ndate.today()\n",
        "print(1)\n",
        "f = open\n",
        "key = hash('text')\n",
        "from pathlib import Path\nPath('x').read_text()\n",
    ],
)
def test_reaching_outside_is_found(text: str) -> None:
    assert len(impure(sample(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\nday = datetime.date.fromordinal(1)\n",
        "from theo.domain.timeframe import time\n",
        "from math import sqrt\nx = sqrt(2.0)\n",
        "class A:\n    def print(self): ...\nA().print()\n",
        "from theo.report.screen import print\nprint(1)\n",
    ],
)
def test_pure_code_is_left_alone(text: str) -> None:
    assert impure(sample(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from theo.domain.approval import Approved\nApproved(order, ())\n",
        "from theo.domain.approval import Approved as Stamp\nStamp(order, ())\n",
        "from theo.domain import approval\napproval.Approved(order, ())\n",
        "from theo.domain.approval import Approved\nApproved[int](1, ())\n",
        "from theo.domain.approval import Approved\nclass Mine(Approved[int]): ...\n",
    ],
)
def test_an_approval_by_others_is_found(text: str) -> None:
    assert len(approvals_made(sample(text))) == 1


def test_an_approval_may_be_named_and_read() -> None:
    text = "from theo.domain.approval import Approved\ndef send(approved: Approved[int]) -> int:\n    return approved.subject\n"
    assert approvals_made(sample(text)) == []


def test_a_sum_is_found() -> None:
    assert len(float_sums(sample("mean = sum(values) / len(values)\n"))) == 1
    assert float_sums(sample("total = 0.0\nfor value in values:\n    total += value\n")) == []
