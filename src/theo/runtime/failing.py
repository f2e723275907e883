"""What ends one of several tasks ends them all; one error is told of it."""


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What happened first; the rest followed from it."""
    error = group.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error
