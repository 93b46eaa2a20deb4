import numpy as np

from ubam.tracking.foreground import cast_shadow, saliency, without_shadow


def scene(grey: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A red figure on a floor, its shadow beside its feet: picture, background, figure bool, shadow bool."""
    rng = np.random.default_rng(0)
    background = np.full((128, 128, 3), (120, 130, 150), np.int64) + rng.integers(-6, 7, (128, 128, 1))
    figure, shadow = np.zeros((128, 128), bool), np.zeros((128, 128), bool)
    figure[20:118, 55:70] = True
    shadow[108:118, 70:110] = True
    picture = background.copy()
    picture[figure] = (170, 60, 50)
    picture[shadow] = picture[shadow] * 0.6
    if grey:
        background, picture = (np.repeat(x.mean(2, keepdims=True), 3, axis=2) for x in (background, picture))
    return picture.astype(np.uint8), background.astype(np.uint8), figure, shadow


def test_the_shadow_goes_and_the_feet_stay() -> None:
    picture, background, figure, shadow = scene()
    salient = saliency(picture, background, 2.0)
    assert salient[shadow].mean() > 0.8
    cleaned = without_shadow(salient, picture, background, 0.8)
    inside = shadow.copy()
    inside[:, :74] = inside[:, 106:] = False
    assert cleaned[inside].mean() < 0.1
    np.testing.assert_allclose(cleaned[figure].mean(), salient[figure].mean(), atol=0.05)
    np.testing.assert_array_equal(cleaned[:100], salient[:100])


def test_a_grey_recording_keeps_everything() -> None:
    picture, background, _, _ = scene(grey=True)
    salient = saliency(picture, background, 2.0)
    np.testing.assert_array_equal(without_shadow(salient, picture, background, 0.8), salient)


def test_without_a_floor_nothing_is_removed() -> None:
    picture, background, _, _ = scene()
    salient = saliency(picture, background, 2.0)
    np.testing.assert_array_equal(without_shadow(salient, picture, background, 1.0), salient)


def test_a_bright_or_coloured_change_is_no_shadow() -> None:
    _, background, _, _ = scene()
    brighter = (background * 1.3).clip(0, 255).astype(np.uint8)
    tinted = (background * np.array([0.9, 0.5, 0.4])).astype(np.uint8)
    assert cast_shadow(brighter, background).max() == 0
    assert cast_shadow(tinted, background).mean() < 0.05
