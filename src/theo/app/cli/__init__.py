"""The command line: what can be asked, and with which options. What a command does is in ``theo.app.commands``."""

import sys


def main() -> None:
    """Run the command line; a user's mistake is one clear sentence, never a traceback."""
    from theo.app.cli.root import command_line
    from theo.app.collecting import collect_seldom
    from theo.app.exit_codes import EXIT_INTERRUPTED, EXIT_PROBLEM, EXIT_USER
    from theo.domain.errors import TheoError, UserError

    collect_seldom()
    try:
        command_line()()
    except TheoError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_USER if isinstance(error, UserError) else EXIT_PROBLEM)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
