"""`/api/market-data/levels/new`: swing highs and lows, each as it became known."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from fastapi import Query as QueryOf
from pydantic import BaseModel, Field, JsonValue

from theo.api.cursors import PageQuery
from theo.api.described import example
from theo.api.market_data import WORD_LETTERS_MAX
from theo.api.problems import problem_answers
from theo.api.reading import Read, named
from theo.api.sources import Sources
from theo.api.values import DecimalText, moment, price_text
from theo.domain.timeframe import timeframe

router = APIRouter(prefix="/api/market-data", tags=["market data"])
_NEW_LEVEL: Final[JsonValue] = {
    "timeframe": "15min",
    "source": "import:es.csv",
    "contract": "",
    "level": "SH",
    "price": "2660.00",
    "bar": "2018-02-05T20:00:00Z",
    "known_at": "2018-02-05T20:45:00Z",
}


class NewLevelOut(BaseModel):
    """A swing high (SH) or low (SL): where it is, and when it became known, some bars later."""

    model_config = example(_NEW_LEVEL)

    timeframe: str
    source: str
    contract: str = Field(description="The futures contract whose bars they are; empty where there is none.")
    level: Literal["SH", "SL"]
    price: DecimalText
    bar: datetime = Field(description="The start of the bar at which it is.")
    known_at: datetime = Field(description="The end of the bar with which it became known.")


class NewLevels(BaseModel):
    """A page of levels that became known, newest first. `next` is null at the end."""

    model_config = example({"symbol": "MES", "levels": [_NEW_LEVEL], "next": None})

    symbol: str
    levels: list[NewLevelOut]
    next: str | None


class NewLevelsQuery(PageQuery):
    """A symbol's, of every timeframe or of one."""

    symbol: str = Field(max_length=WORD_LETTERS_MAX, examples=["MES"])
    timeframe: str = Field(default="", max_length=WORD_LETTERS_MAX, examples=["15min"], description="Only of this one.")


@router.get("/levels/new", summary="Swing highs and lows that became known", responses=problem_answers(404))
async def new_levels(read: Read, asked: Annotated[NewLevelsQuery, QueryOf()]) -> NewLevels:
    """The newest first, page by page, each told once. What became known at one time is never split between pages."""
    return await read.run(lambda: _new_levels(read.sources, asked))


def _new_levels(sources: Sources, asked: NewLevelsQuery) -> NewLevels:
    instrument = named(sources.market, asked.symbol)
    frame = timeframe(asked.timeframe).name if asked.timeframe else ""
    place = asked.place(tuple[int])
    found = sources.levels.announced(instrument.id, asked.limit, frame, None if place is None else place[0])
    older = sources.levels.announced(instrument.id, 1, frame, found[-1].new.known_at - 1) if found else ()
    return NewLevels(
        symbol=instrument.symbol,
        levels=[
            NewLevelOut(
                timeframe=each.timeframe,
                source=each.source,
                contract=each.chain,
                level="SH" if each.new.level == "SH" else "SL",
                price=price_text(each.new.price, instrument),
                bar=moment(each.new.at_start),
                known_at=moment(each.new.known_at),
            )
            for each in found
        ],
        next=asked.next(older[0].new.known_at) if older else None,
    )
