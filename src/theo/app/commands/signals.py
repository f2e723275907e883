"""`theo signal`: asking for signals and showing them. What is asked is carried out by the running trader."""

from collections.abc import Callable, Sequence

import msgspec

from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.inbox.signals import Signalled, SignalShown
from theo.app.terminal.output import json_text


def run(ask: Callable[[], Signalled], *, json: bool) -> int:
    """Ask, and say what came of it. Exit code 1 when it was refused, or nobody answers."""
    done = ask()
    verdict = f"refused ({done.rule})" if done.state == "refused" and done.rule else done.state
    print(json_text(done) if json else f"{done.run}: {verdict}: {done.text}")
    return 0 if done.state == "done" else EXIT_PROBLEM


def table(signals: Sequence[SignalShown], *, json: bool) -> int:
    """Signals, one a line, newest first."""
    if json:
        print(json_text(signals))
    else:
        print("\n".join(map(_line, signals)) or "no signals")
    return 0


def show(signal: SignalShown, *, json: bool) -> int:
    """One signal with all of its fields."""
    if json:
        print(json_text(signal))
    else:
        print(
            "\n".join(f"{name:<10}{value}" for name, value in msgspec.structs.asdict(signal).items() if value not in {"", None})
        )
    return 0


def _line(signal: SignalShown) -> str:
    prices = [
        f"{name} {price}" for name, price in (("at", signal.entry), ("stop", signal.stop), ("target", signal.target)) if price
    ]
    size = [str(signal.quantity)] if signal.quantity else []
    what = " ".join([signal.kind, signal.side, *size, signal.symbol, signal.type, *prices]).replace("  ", " ")
    why = f": {signal.why}" if signal.why else ""
    until = f", until {signal.expires}" if signal.expires and signal.active else ""
    return f"{signal.created} {signal.id} {signal.strategy}: {what}: {signal.status}{why}{until}"
