"""``diffsr upscale``: the size and numbers asked for, and nothing written when it refuses."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.cli import main
from helpers.cli import LINEAR, Counter, listing, printed, refusal, run


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (["--scale", "2.7"], (41, 54)),
        (["--scale", "2,3.5"], (30, 70)),
        (["--size", "33x20"], (33, 20)),
        (["--scale", "1"], (15, 20)),
    ],
)
def test_upscale_writes_the_size_asked_for(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], wanted: list[str], size: tuple[int, int]
) -> None:
    target = photo.with_name("out.png")
    out = run(capfd, "upscale", photo, target, *wanted, "--t", 20)
    with Image.open(target) as image:
        assert (image.height, image.width) == size
    assert f"{size[0]}x{size[1]}" in out


def test_upscale_prints_the_numbers_exactly_as_used(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = run(capfd, "upscale", photo, photo.with_name("out.png"), "--scale", 2, "--t", "123.4", "--steps", 7)
    values = printed(out)
    assert values["t"] == "123.4"
    assert values["sigma"] == repr(LINEAR.sigma(123.4))
    assert float(values["snr"]) == pytest.approx(LINEAR.snr(123.4), rel=1e-12)
    assert values["nfe"] == "7"
    assert cheap.calls == 7
    assert "strength" not in out


def test_upscale_predicts_its_timestep_unless_told(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = photo.with_name("out.tif")
    predicted = float(printed(run(capfd, "upscale", photo, target, "--scale", 2))["t"])
    first = target.read_bytes()
    with Image.open(photo) as image:
        assert predicted == DiffSR(Counter(), LINEAR).predict(2.0, image).t_opt
    assert (
        float(printed(run(capfd, "upscale", photo, target, "--scale", 2, "--t", repr(predicted)))["t"])
        == predicted
    )
    assert target.read_bytes() == first


def test_upscale_hands_every_option_on(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = photo.with_name("out.png")

    def result(*options: object) -> bytes:
        run(capfd, "upscale", photo, target, "--scale", 2, "--t", 99, *options)
        with Image.open(target) as image:
            return image.tobytes()

    plain = result()
    assert plain == result("--seed", 0, "--steps", 10, "--eta", 0, "--samples", 1, "--consistency")
    for options in (["--seed", 1], ["--steps", 3], ["--eta", 1], ["--samples", 2], ["--no-consistency"]):
        assert plain != result(*options)
    with Image.open(photo) as image:
        expected = DiffSR(Counter(), LINEAR).upscale(image, 2, t=99, seed=5, steps=3, eta=0.5).image
    assert result("--seed", 5, "--steps", 3, "--eta", 0.5) == expected.tobytes()


def test_upscale_may_replace_its_output(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(capfd, "upscale", photo, photo, "--scale", 2, "--t", 20)
    with Image.open(photo) as image:
        assert image.size == (40, 30)


BAD_NUMBERS = {
    "scale 0": ["--scale", "0"],
    "scale below 1": ["--scale", "0.99"],
    "scale negative": ["--scale", "-2"],
    "scale nan": ["--scale", "nan"],
    "scale inf": ["--scale", "inf"],
    "scale of three": ["--scale", "2,3,4"],
    "scale pair with nan": ["--scale", "2,nan"],
    "scale word": ["--scale", "big"],
    "scale empty": ["--scale", ""],
    "scale huge": ["--scale", "1e6"],
    "scale astronomic": ["--scale", "1e308"],
    "size word": ["--size", "30"],
    "size real": ["--size", "30.5x40"],
    "size negative": ["--size", "-30x40"],
    "size below the image's": ["--size", "30x10"],
    "size huge": ["--size", "9999999x9999999"],
    "neither": [],
    "both": ["--scale", "2", "--size", "30x40"],
    "t nan": ["--scale", "2", "--t", "nan"],
    "t inf": ["--scale", "2", "--t", "inf"],
    "t negative": ["--scale", "2", "--t", "-1"],
    "t beyond the schedule": ["--scale", "2", "--t", "999.5"],
    "t word": ["--scale", "2", "--t", "much"],
    "steps 0": ["--scale", "2", "--steps", "0"],
    "steps real": ["--scale", "2", "--steps", "2.5"],
    "eta": ["--scale", "2", "--eta", "1.5"],
    "eta nan": ["--scale", "2", "--eta", "nan"],
    "seed": ["--scale", "2", "--seed", "one"],
    "samples": ["--scale", "2", "--samples", "0"],
    "unknown option": ["--scale", "2", "--strength", "0.3"],
    "abbreviation": ["--sc", "2"],
}


@pytest.mark.parametrize("options", BAD_NUMBERS.values(), ids=BAD_NUMBERS)
def test_upscale_refuses_bad_numbers(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], options: list[str]
) -> None:
    before = listing(photo.parent)
    refusal(capfd, "upscale", photo, photo.with_name("out.png"), *options)
    assert listing(photo.parent) == before
    assert cheap.calls == 0


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        (["--scale", "0.5"], ">= 1"),
        (["--t", "2000", "--scale", "2"], "[0, 999]"),
        (["--eta", "3", "--scale", "2"], "[0, 1]"),
        (["--size", "4x4"], "(15, 20)"),
        (["--scale", "1e6"], "the largest scale that fits is"),
    ],
)
def test_a_refusal_names_the_limit(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], options: list[str], limit: str
) -> None:
    assert limit in refusal(capfd, "upscale", photo, photo.with_name("out.png"), *options)


@pytest.mark.parametrize("target", ["absent/out.png", "out.xyz", "out", "folder", "in.png/out.png"])
def test_upscale_refuses_a_bad_output_before_it_loads_a_model(
    photo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(DiffSR, "from_pretrained", fail)
    (photo.parent / "folder").mkdir()
    before = listing(photo.parent)
    refusal(capfd, "upscale", photo, photo.parent / target, "--scale", 2)
    assert listing(photo.parent) == before


def test_upscale_refuses_alpha_in_jpeg(
    cheap: Counter, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGBA", (4, 4)).save(tmp_path / "in.png")
    assert "JPEG" in refusal(capfd, "upscale", tmp_path / "in.png", tmp_path / "out.jpg", "--scale", 2)
    assert cheap.calls == 0


def test_the_embedded_model_end_to_end(photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = photo.with_name("out.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["upscale", str(photo), str(target), "--scale", "2.7", "--steps", "2"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert printed(out)["nfe"] == "2"
    with Image.open(target) as image:
        assert image.size == (54, 41)
