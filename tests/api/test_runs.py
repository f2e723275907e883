"""`/api/runs` over real homes: what each run is, page by page, and one that cannot be read."""

import shutil
from pathlib import Path

from tests.api.conftest import Served, serving
from tests.api.home import make_home
from tests.api.trading import trader_on


def test_a_backtest_is_a_run_that_takes_no_commands(served: Served) -> None:
    answered = served.get("/api/runs")
    assert (answered.status, answered.body["next"]) == (200, None)
    (run,) = answered.body["runs"]
    assert run["run"] == served.get("/").body["run"]
    assert (run["mode"], run["account"], run["state"], run["served"]) == ("backtest", "SIM", "stopped", True)
    assert (run["takes_commands"], run["problem"]) == (False, "")
    assert run["began_at"] == "2019-01-07T14:30:00Z"
    assert run["newest_at"] > run["began_at"]
    assert run["records"] == served.get("/health").body["journal"]["recorded"] > 0


def test_a_run_that_is_played_is_running_until_it_ends(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with trader_on(home, tmp_path / "trend.toml") as trader:
        trader.play(30)
        with serving(home, folder=trader.folder) as found:
            (run,) = found.get("/api/runs").body["runs"]
            assert (run["mode"], run["state"], run["takes_commands"]) == ("virtual", "running", True)
            trader.end()
            (run,) = found.get("/api/runs").body["runs"]
            assert run["state"] == "stopped"


def test_runs_come_page_by_page_in_one_order_and_a_broken_one_says_so(traded: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(traded, tmp_path / "home"))
    (folder,) = (home / "runs").iterdir()
    for name in ("b", "a", "c"):
        shutil.copytree(folder, home / "runs" / name)
    shutil.copytree(folder, home / "demo")
    (home / "runs" / "c" / "journal.db").write_bytes(b"no database at all" * 1000)
    with serving(home, folder=folder) as found:
        named, cursor = list[str](), ""
        while True:
            answered = found.get(f"/api/runs?limit=2{cursor}")
            assert answered.status == 200
            named += [run["run"] for run in answered.body["runs"]]
            if answered.body["next"] is None:
                break
            cursor = f"&cursor={answered.body['next']}"
        assert named == ["demo", "a", "b", "c", folder.name]
        every = {run["run"]: run for run in found.get("/api/runs").body["runs"]}
        assert [name for name, run in every.items() if run["problem"]] == ["c"]
        assert [name for name, run in every.items() if run["served"]] == [folder.name]
        assert every["c"]["began_at"] is None
        refused = found.get("/api/runs?limit=101")
        assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
