"""`/api/strategies`: the rule sets that there are."""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from theo.api.described import example
from theo.api.market_data import WORD_LETTERS_MAX
from theo.api.problems import problem_answers
from theo.api.reading import NoParameters, Read
from theo.domain.errors import NotThereError
from theo.domain.nearest import nearest_names

router = APIRouter(prefix="/api/strategies", tags=["strategies"], dependencies=[NoParameters])

_STRATEGY: Final[dict[str, JsonValue]] = {
    "name": "spy-vix",
    "version": "1f0c9a2b7d3e",
    "description": "SPY against VIX on 15-minute bars: breaks of swing levels that VIX confirms",
    "kind": "correlation",
    "origin": "shipped",
    "symbol": "SPY",
    "partners": ["VIX"],
    "timeframe": "15min",
    "session": "RTH",
}


class StrategyOut(BaseModel):
    """A rule set. `version` is made of its content: another content is another version."""

    model_config = ConfigDict(**example(_STRATEGY), from_attributes=True)

    name: str
    version: str
    description: str
    kind: str
    origin: str = Field(description="Where it is kept: shipped with the platform, or stored.")
    symbol: str
    partners: list[str]
    timeframe: str
    session: str


class StrategyDetail(StrategyOut):
    """A rule set with everything that it says, as TOML."""

    model_config = ConfigDict(
        **example({**_STRATEGY, "text": 'name = "spy-vix"\nstrategy = "correlation"\n'}), from_attributes=True
    )

    text: str


class StrategiesOut(BaseModel):
    """Every rule set, by name."""

    model_config = example({"strategies": [_STRATEGY]})

    strategies: list[StrategyOut]


@router.get("", summary="Rule sets", responses=problem_answers())
async def strategies(read: Read) -> StrategiesOut:
    """Every rule set that can be backtested or traded by its name."""
    found = await read.run(read.sources.strategies.all)
    return StrategiesOut(strategies=[StrategyOut.model_validate(each) for each in found])


@router.get("/{name}", summary="One rule set", responses=problem_answers(404))
async def strategy(read: Read, name: Annotated[str, Path(max_length=WORD_LETTERS_MAX, examples=["spy-vix"])]) -> StrategyDetail:
    """A rule set by its name, with its text."""
    found = {each.name: each for each in await read.run(read.sources.strategies.all)}
    if name not in found:
        raise NotThereError(f"there is no rule set {name!r}", where="name", remedy=nearest_names(name, found))
    return StrategyDetail.model_validate(found[name])
