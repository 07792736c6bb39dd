"""``python -m diffsr_toolkit.training COMMAND``: the recipes of the models and data that ship with the toolkit."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from diffsr_toolkit import training
from diffsr_toolkit.training import fashion


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command."""
    args = _parser().parse_args(argv)
    args.run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m diffsr_toolkit.training")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], None], what: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what)
        added.set_defaults(run=run)
        return added

    prepare = command(
        "prepare",
        lambda args: training.prepare_photographs(args.work),
        "fetch the photographs, cut the tiles, lay out the held-out splits",
    )
    _add_work(prepare)

    train = command("train", _train, "train the embedded model; resumes by itself")
    train.add_argument("--tiles", type=Path, required=True, help="train.npy of prepare")
    train.add_argument("--validation", type=Path, required=True, help="validation.npy of prepare")
    train.add_argument("--out", type=Path, required=True, help="folder of checkpoint, log and pipeline")
    train.add_argument("--minutes", type=float, default=training.Recipe.minutes)
    train.add_argument("--lr", type=float, default=training.Recipe.lr)
    train.add_argument(
        "--workers", type=int, default=training.Recipe.workers, help="processes of one thread each"
    )
    train.add_argument("--init", type=Path, help="pipeline folder to start from, e.g. data/models/embedded")

    evaluate = command(
        "evaluate",
        lambda args: training.write_evaluation(args.model, args.photos, args.out, args.side),
        "judge a model: denoising, regeneration of lost detail, unconditional samples",
    )
    evaluate.add_argument("--model", default="embedded")
    evaluate.add_argument("--photos", type=Path, nargs="*", default=[], help="validation photographs")
    evaluate.add_argument("--side", type=int, default=256, help="longer side of the reduced photographs")
    evaluate.add_argument("--out", type=Path, required=True, help="folder of evaluation.json and samples.png")

    patches = command("patches", _patches, "fit the Gaussian mixture over patches of photographs")
    patches.add_argument("--tiles", type=Path, required=True, help="train.npy of prepare")
    patches.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    patches.add_argument("--patches", type=int, default=200_000, help="patches to fit")
    patches.add_argument("--components", type=int, default=50)
    patches.add_argument("--rank", type=int, default=48)
    patches.add_argument("--iterations", type=int, default=25)
    patches.add_argument("--kept", type=int, default=2000, help="patches stored for the discrete prior")
    patches.add_argument("--seed", type=int, default=0)

    ddpm = command(
        "fashion-ddpm",
        lambda args: fashion.train_fashion(args.work, args.minutes),
        "train the Fashion-MNIST model; resumes by itself",
    )
    _add_work(ddpm)
    ddpm.add_argument("--minutes", type=float, default=fashion.RECIPE.minutes)
    for name, write, what in (
        ("fashion-classifier", fashion.write_classifier, "train and judge the Fashion-MNIST classifier"),
        ("fashion-spectrum", fashion.write_spectrum, "measure the training pictures' spectrum and classes"),
        ("fashion-data", fashion.write_test_pictures, "choose the test pictures that ship with the toolkit"),
    ):
        added = command(name, lambda args, write=write: write(args.work, args.out), what)  # type: ignore[misc]
        _add_work(added)
        added.add_argument("--out", type=Path, required=True, help="folder to write to")
    return parser


def _add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of downloads and what is made of them"
    )


def _train(args: argparse.Namespace) -> None:
    recipe = training.Recipe(minutes=args.minutes, lr=args.lr, workers=args.workers)
    training.train(args.tiles, args.validation, args.out, recipe, args.init)


def _patches(args: argparse.Namespace) -> None:
    training.write_patch_mixture(
        args.tiles,
        args.out,
        patches=args.patches,
        components=args.components,
        rank=args.rank,
        iterations=args.iterations,
        kept=args.kept,
        seed=args.seed,
    )


if __name__ == "__main__":
    main()
