"""The command of the arrow of time: every model in every encoding, groups held out in turn."""

import random
from collections.abc import Sequence

from lrcn_utils.data.cache import digest, digest_of
from lrcn_utils.data.report import Report
from lrcn_utils.training.activity.recipes import Recipe
from lrcn_utils.training.arrow import table
from lrcn_utils.training.arrow.films import Film, find
from lrcn_utils.training.arrow.models import MODELS, calls, frozen_cnn, trained
from lrcn_utils.training.arrow.parts import ArrowSettings, RecordedSettings
from lrcn_utils.training.arrow.shown import AGAIN, FORWARDS, STORED, WINDOWS, Projector, Shown
from lrcn_utils.training.checkpoints import weights_digest
from lrcn_utils.training.run import Run

CLIP_NORM = 5


def _run(settings: ArrowSettings) -> None:
    """Train and test every model in every encoding, and print what is left of the arrow in each."""
    report = Report(settings.strict)
    films = find(settings.folder, most_frames=settings.frames, limit=settings.limit, report=report)
    print("\n".join([*report.lines, *table.about(films, settings.gop)]), flush=True)
    if len({film.group for film in films}) < settings.folds:
        raise ValueError(f"{settings.folder}: fewer groups of films than --folds {settings.folds}; add films")
    cnn = frozen_cnn(settings.sight)
    contents = digest_of([[film.class_name, film.group, digest(film.path)] for film in films])
    run = Run.start(settings, "arrow", films=contents, weights=weights_digest(cnn))
    kept = settings.cache_folder
    projector = Projector(cnn, settings.sight, kept, settings.frames, settings.gop, settings.quality)
    shown = {encoding: projector.show(films, encoding) for encoding in WINDOWS}
    found: table.Calls = {}
    for encoding in WINDOWS:
        if len({film.group for film in _usable(films, shown[encoding])}) < settings.folds:
            print(f"{encoding}: too few films have {WINDOWS[encoding]} such frames; it is not measured", flush=True)
            continue
        for seed in settings.all_seeds:
            for model in MODELS:
                part = f"{model}, {encoding}, seed {seed}"
                one = run.once(part, _cross_validated, run, settings, projector, films, shown, encoding, model, seed)
                for seen, rows in one.items():
                    found.setdefault((encoding, seen), {}).setdefault(model, []).append(rows)
                print(f"{part}: {100 * table.accuracy(one[encoding]):.1f}", flush=True)
    results = table.summary(films, found, settings.gop)
    run.write_results(seeds=list(settings.all_seeds), **results)
    print(table.accuracies(results), table.control(results), sep="\n\n")


def _recorded(settings: RecordedSettings) -> None:
    """Print what the course recorded on 162 real clips."""
    results = table.recorded(settings.input)
    print(results["command"], table.accuracies(results), table.control(results), sep="\n\n")


COMMANDS = {"": _run, "recorded": _recorded}


def _usable(films: Sequence[Film], shown: Sequence[Shown]) -> list[Film]:
    return [film for film, sequences in zip(films, shown, strict=True) if sequences[FORWARDS]]


def _cross_validated(
    run: Run,
    settings: ArrowSettings,
    projector: Projector,
    films: Sequence[Film],
    shown: dict[str, list[Shown]],
    encoding: str,
    name: str,
    seed: int,
) -> dict[str, list]:
    """{encoding that was shown: what each film was called, in the order of ``films``}, by models of ``encoding``.

    Each film is called by the model of the fold that it was not trained on. The models of films as they are stored
    are also shown the films that were encoded again.
    """
    given = {"batch_size": settings.batch_size, "accumulate": settings.accumulate}
    recipe = Recipe(settings.epochs, settings.rate, clip_norm=CLIP_NORM, **given)
    seen = [STORED, AGAIN] if encoding == STORED else [encoding]
    found = {one: [None] * len(films) for one in seen}
    fold_of = _folds(_usable(films, shown[encoding]), settings.folds, seed)
    for fold in range(settings.folds):
        kept = [s for film, s in zip(films, shown[encoding], strict=True) if fold_of.get(film.group, fold) != fold]
        window = projector.window(encoding)
        options = {"log": run.log(f"{name}, {encoding}, seed {seed}, fold {fold}"), "workers": settings.workers}
        model = trained(name, projector.cnn, settings.sight.layer, kept, window, recipe, seed, **options)
        tested = [number for number, film in enumerate(films) if fold_of.get(film.group) == fold]
        for one in seen:
            for number, row in zip(tested, calls(model, [shown[one][n] for n in tested], window), strict=True):
                found[one][number] = row
    return found


def _folds(films: Sequence[Film], folds: int, seed: int) -> dict[str, int]:
    """The fold of each group; the groups of each class are spread evenly over the folds."""
    class_of = {film.group: film.class_name for film in reversed(films)}
    groups = sorted(class_of)
    random.Random(seed).shuffle(groups)
    groups.sort(key=class_of.__getitem__)
    return {group: number % folds for number, group in enumerate(groups)}
