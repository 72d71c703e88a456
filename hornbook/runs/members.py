"""Which runs a name means where several are taken together: a run, or those of a sweep or an ablation."""

from collections.abc import Sequence

from hornbook.errors import UsageError
from hornbook.runs.directory import Run, find_run
from hornbook.runs.studies import study_page, study_runs
from hornbook.runs.sweeps import best_runs, sweep_page

__all__ = ["are_several", "members_of"]


def are_several(names: Sequence[str]) -> bool:
    """Return whether names mean several runs together: there are several, or the one is a sweep's or an ablation's."""
    if len(names) > 1:
        return True
    try:
        return len(_meant(names[0])) > 1
    except UsageError:
        return False  # whoever looks for the run says that there is none


def members_of(names: Sequence[str]) -> list[Run]:
    """Return the runs that names mean, each once.

    A sweep means the runs of its best trial and those that confirmed it, an ablation all its finished runs, whether they
    repeat seeds or folds.

    Raises:
        UsageError: If there is no such run, or nothing is left of a sweep's or study's.
        RunError: If a record cannot be read.
    """
    return list({run.path: run for name in names for run in _meant(name)}.values())


def _meant(name: str) -> list[Run]:
    try:
        return [find_run(name)]
    except UsageError as error:
        no_run = error
    try:
        sweep = sweep_page(name)
        study = study_page(name) if sweep is None else None
    except OSError:
        raise no_run from None
    if sweep is not None:
        paths = sorted(best_runs(sweep.parent, 1))
    elif study is not None:
        paths = study_runs(study.parent)
    else:
        raise no_run
    there = [find_run(path) for path in paths if path.is_dir()]
    if not there:
        raise UsageError(f"{name}: none of its runs is there any more. Name runs that are.")
    return there
