"""``python -m theory.lecture``: print the lecture, or write it to a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from theory.lecture.contents import to_latex, to_markdown, to_text

_FORMATS = {"latex": to_latex, "markdown": to_markdown, "text": to_text}
_SUFFIXES = {".tex": "latex", ".md": "markdown", ".txt": "text"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or write the lecture.

    Returns
    -------
    int
        Exit status: 0, or 1 when the file could not be written.
    """
    parser = argparse.ArgumentParser(prog="python -m theory.lecture", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write here instead of to the terminal")
    parser.add_argument(
        "--format", choices=_FORMATS, help="default: by the file's suffix (.tex, .md, .txt), else latex"
    )
    options = parser.parse_args(arguments)
    suffix = "" if options.out is None else options.out.suffix
    text = _FORMATS[options.format or _SUFFIXES.get(suffix, "latex")]()
    if options.out is None:
        print(text, end="")
        return 0
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"cannot write {options.out}: {error.strerror}. Choose another --out.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
