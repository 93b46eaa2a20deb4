"""What is unusual about a film is set right by the one decoder, and said; every frame in order, at its own time."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.videos import X264, barcode_frames, ff, film, index_of
from ubam.core.errors import VideoError
from ubam.recordings.study_table import Recording
from ubam.recordings.validation import check_recording
from ubam.recordings.video_reader import glimpse, probe, read_frame, read_frames, read_timed_frames
from ubam.recordings.video_writer import write_copy


def hdr(transfer: str) -> tuple[str, ...]:
    colours = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    return (
        "-vf", "format=yuv420p10le", "-c:v", "libx265", "-tag:v", "hvc1", "-crf", "16",
        "-x265-params", f"log-level=none:pools=1:frame-threads=1:{colours}",
        "-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc",
    )  # fmt: skip


def all_readings(path: Path) -> list[list[int]]:
    """The barcodes that each way of reading finds."""
    frames = [index_of(frame) for frame in read_frames(path)]
    timed = [index_of(frame) for _, _, frame in read_timed_frames(path)]
    some = range(0, len(frames), max(1, len(frames) // 4))
    single = [index_of(read_frame(path, index)) for index in some]
    return [frames, timed, single, [frames[index] for index in some]]


def assert_every_frame(path: Path, count: int) -> None:
    frames, timed, single, same = all_readings(path)
    assert frames == timed == list(range(count))
    assert single == same


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "plain.mp4")


@pytest.mark.parametrize(("transfer", "name"), [("arib-std-b67", "HLG"), ("smpte2084", "PQ")])
def test_hdr_is_tone_mapped_and_said(tmp_path: Path, transfer: str, name: str) -> None:
    path = film(tmp_path / "phone.mov", *hdr(transfer))
    assert_every_frame(path, 50)
    assert f"filmed in HDR ({name})" in probe(path).warnings[0]
    frame = read_frame(path, 10)
    assert np.ptp(frame.astype(int), axis=-1).max() <= 8  # grey stays grey
    white, black = frame[8, 4].mean(), frame[8, 20].mean()
    assert white > 225
    assert black < 60


@pytest.mark.parametrize("bits", [10, 12])
def test_shallow_pixels_in_deep_words_are_stretched_and_said(tmp_path: Path, bits: int) -> None:
    scale = 65535 // ((1 << bits) - 1)
    path = tmp_path / "camera.mkv"
    film(path, "-vf", f"format=gray16le,lut=c0=val/{scale}", "-c:v", "ffv1")
    assert_every_frame(path, 50)
    assert probe(path).warnings == (f"its pictures use {bits} of 16 bits, and were stretched to the full range",)
    assert int(next(read_frames(path)).max()) == pytest.approx(235, abs=2)


def test_sixteen_bits_are_taken_as_they_are(tmp_path: Path) -> None:
    path = film(tmp_path / "deep.mkv", "-pix_fmt", "gray16le", "-c:v", "ffv1")
    assert_every_frame(path, 50)
    assert probe(path).warnings == ()
    assert int(next(read_frames(path)).max()) == pytest.approx(235, abs=1)


INTERLACED = {
    "camera.mts": (*X264[:2], "-flags", "+ilme+ildct", "-x264-params", "tff=1", "-pix_fmt", "yuv420p", "-f", "mpegts"),
    "disc.mpg": ("-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-q:v", "2"),
}


@pytest.mark.parametrize("name", INTERLACED)
def test_interlaced_film_is_deinterlaced_and_said(tmp_path: Path, name: str) -> None:
    path = film(tmp_path / name, "-vf", "tinterlace=interleave_top", *INTERLACED[name], count=100, fps=50)
    assert probe(path).warnings == ("it is interlaced, and was deinterlaced",)
    frames = list(read_frames(path))
    assert len(frames) == 50
    assert min(frame.max() for frame in frames) > 200  # none is black
    for index in (5, 25, 40):
        rows = frames[index][50:70].astype(int).mean(-1)
        assert np.abs(np.diff(rows[::2] - rows[1::2], axis=0)).max() < 40  # no comb of two fields
        assert np.array_equal(read_frame(path, index), frames[index])


def test_dv_tape_is_read(tmp_path: Path) -> None:
    path = film(tmp_path / "tape.dv", "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-f", "dv", width=720, height=576)
    assert_every_frame(path, 50)
    assert probe(path).fps == 25


@pytest.mark.parametrize("codec", ["libsvtav1", "libvpx-vp9", "libx265"])
def test_new_codecs_are_read(tmp_path: Path, codec: str) -> None:
    quiet = ("-x265-params", "log-level=none") if codec == "libx265" else ()
    path = film(tmp_path / "new.mp4", "-c:v", codec, "-crf", "20", "-pix_fmt", "yuv420p", *quiet)
    assert_every_frame(path, 50)


def test_a_mirrored_film_is_shown_as_its_player_shows_it(tmp_path: Path, plain: Path) -> None:
    ff("-display_hflip", "-i", plain, "-c", "copy", tmp_path / "selfie.mp4")
    info = probe(tmp_path / "selfie.mp4")
    assert "mirrored" in info.warnings[0]
    assert np.array_equal(next(read_frames(tmp_path / "selfie.mp4")), next(read_frames(plain))[:, ::-1])


def test_a_mirrored_film_on_its_side_has_the_size_that_is_shown(tmp_path: Path, plain: Path) -> None:
    ff("-display_rotation", "90", "-display_hflip", "-i", plain, "-c", "copy", tmp_path / "a.mp4")
    info = probe(tmp_path / "a.mp4")
    assert (info.width, info.height) == (96, 160)
    shown = np.array(next(read_frames(tmp_path / "a.mp4")))
    assert any(np.array_equal(shown, np.rot90(next(read_frames(plain))[:, ::-1], turns)) for turns in (1, 3))


def two_films(folder: Path, large_first: bool) -> Path:
    film(folder / "small.mp4", width=80, height=48)
    film(folder / "large.mp4")
    names = ("large", "small") if large_first else ("small", "large")
    inputs = [part for name in names for part in ("-i", folder / f"{name}.mp4")]
    ff(*inputs, "-map", "0", "-map", "1", "-c", "copy", folder / "two.mkv")
    return folder / "two.mkv"


@pytest.mark.parametrize("large_first", [True, False])
def test_of_two_films_the_larger_is_taken_everywhere_and_named(tmp_path: Path, large_first: bool) -> None:
    path = two_films(tmp_path, large_first)
    which = "first" if large_first else "second"
    assert probe(path).warnings == (f"it holds 2 films, of which the {which} (160x96) is analysed",)
    assert_every_frame(path, 50)
    assert read_frame(path, 7).shape == glimpse(path).shape == (96, 160, 3)


def test_of_two_films_of_one_size_the_first_is_taken(tmp_path: Path, plain: Path) -> None:
    film(tmp_path / "other.mp4", "-vf", "negate", *X264)
    ff("-i", plain, "-i", tmp_path / "other.mp4", "-map", "0", "-map", "1", "-c", "copy", tmp_path / "two.mkv")
    assert_every_frame(tmp_path / "two.mkv", 50)


@pytest.mark.parametrize("mark", [("-disposition:v:0", "attached_pic"), ()])
def test_a_preview_picture_is_no_film(tmp_path: Path, mark: tuple[str, ...]) -> None:
    film(tmp_path / "large.mp4", count=50)
    ff("-i", tmp_path / "large.mp4", "-vf", "scale=320:192", "-frames:v", "1", tmp_path / "preview.jpg")
    ff("-i", tmp_path / "preview.jpg", "-i", tmp_path / "large.mp4", "-map", "0", "-map", "1", "-c", "copy", *mark,
       tmp_path / "drone.mov")  # fmt: skip
    assert_every_frame(tmp_path / "drone.mov", 50)
    assert probe(tmp_path / "drone.mov").warnings == ()


def test_a_sound_with_its_cover_is_refused(tmp_path: Path) -> None:
    film(tmp_path / "cover.png", count=1)
    ff("-f", "lavfi", "-t", "2", "-i", "sine", "-i", tmp_path / "cover.png", "-map", "0", "-map", "1",
       "-disposition:v", "attached_pic", "-c:a", "aac", "-c:v", "png", tmp_path / "song.mp4")  # fmt: skip
    with pytest.raises(VideoError, match="holds only sound"):
        probe(tmp_path / "song.mp4")


WITHOUT_LENGTH = {
    "browser.webm": ("-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", "-f", "webm", "-live", "1"),
    "camera.h264": (*X264, "-f", "h264"),
    "killed.mp4": (*X264, "-movflags", "empty_moov+frag_keyframe+default_base_moof"),
    "stream.flv": (*X264, "-flvflags", "no_duration_filesize"),
    "stream.ts": (*X264, "-f", "mpegts"),
}


@pytest.mark.parametrize("name", WITHOUT_LENGTH)
def test_a_file_that_does_not_say_its_length_has_the_length_it_has(tmp_path: Path, name: str) -> None:
    path = film(tmp_path / name, *WITHOUT_LENGTH[name], count=75)
    info = probe(path)
    assert (info.frames_declared, info.fps) == (75, 25)
    assert info.duration_s == pytest.approx(3, abs=0.01)
    assert_every_frame(path, 75)
    verdict = check_recording(Recording("a", 2, path, "a", "g"))
    assert (verdict.status, verdict.reason) == ("ok", "")
    assert verdict.duration_s == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_sound_that_goes_on_does_not_lengthen_the_film(tmp_path: Path, plain: Path, suffix: str) -> None:
    path = tmp_path / f"long.{suffix}"
    sound = ("-f", "lavfi", "-t", "9", "-i", "sine=r=16000")
    ff("-i", plain, *sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "mp2", path)
    info = probe(path)
    assert (info.frames_declared, info.ends_early) == (50, False)
    assert info.duration_s == pytest.approx(2, abs=0.05)
    assert check_recording(Recording("a", 2, path, "a", "g")).status == "ok"


@pytest.mark.parametrize("fps", [1500, 2000, 2400])
def test_high_speed_films_in_milliseconds_keep_all_frames_and_times(tmp_path: Path, fps: float) -> None:
    path = film(tmp_path / "fast.mkv", count=600, fps=fps)
    damage: list[str] = []
    assert [index_of(frame) for frame in read_frames(path, damage=damage)] == list(range(600))
    assert damage == []
    times = np.array([time_s for _, time_s, _ in read_timed_frames(path)])
    assert (np.diff(times) > 0).all()
    assert np.abs(times - np.arange(600) / fps).max() < 5e-4
    assert probe(path).fps == pytest.approx(fps, rel=1e-3)


def test_joined_recorder_files_go_on_where_the_clock_starts_anew(tmp_path: Path) -> None:
    film(tmp_path / "a.mts", *X264, "-f", "mpegts", count=60)
    (tmp_path / "joined.mts").write_bytes((tmp_path / "a.mts").read_bytes() * 2)
    info = probe(tmp_path / "joined.mts")
    assert info.frames_declared == 120
    assert info.duration_s == pytest.approx(4.8, abs=0.1)
    times = [time_s for _, time_s, _ in read_timed_frames(tmp_path / "joined.mts")]
    assert np.diff(times) == pytest.approx(np.full(119, 0.04), abs=1e-3)


def test_a_second_damaged_film_is_not_silent(tmp_path: Path) -> None:
    content = film(tmp_path / "whole.mp4", *X264, "-movflags", "+faststart", count=100).read_bytes()
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / name).write_bytes(content[: int(len(content) * 0.6)])
        damage: list[str] = []
        assert sum(1 for _ in read_frames(tmp_path / name, damage=damage)) < 100
        assert "the file is damaged at about" in damage[0]


@pytest.mark.parametrize("name", ["cut.mkv", "cut.mp4", "cut.avi", "cut.flv"])
def test_a_file_that_was_cut_short_says_so_in_the_check(tmp_path: Path, name: str) -> None:
    whole = tmp_path / f"whole{name[3:]}"
    codec = ("-c:v", "mjpeg", "-q:v", "3") if name == "cut.avi" else X264
    film(whole, *codec, *(("-movflags", "+faststart") if name == "cut.mp4" else ()), count=200)
    content = whole.read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * 0.6)])
    verdict = check_recording(Recording("a", 2, tmp_path / name, "a", "g"))
    assert verdict.status == "partial"
    assert "ends early" in verdict.reason
    assert probe(tmp_path / name).frames_declared == pytest.approx(200, abs=3)
    assert 60 < sum(1 for _ in read_frames(tmp_path / name)) < 190


def test_the_rate_of_the_table_counts_where_a_length_is_judged(tmp_path: Path) -> None:
    path = film(tmp_path / "wrong.mp4", count=100, fps=1000)
    recording = Recording("a", 2, path, "a", "g")
    assert "0.10 s" in check_recording(recording).reason
    verdict = check_recording(Recording("a", 2, path, "a", "g", fps=25))
    assert (verdict.status, verdict.duration_s, verdict.fps) == ("ok", 4, 25)


def test_a_copy_for_the_browser_has_the_same_frames_at_the_same_times(tmp_path: Path) -> None:
    chosen = "select='not(mod(n,3))+gt(n,30)'"
    path = film(tmp_path / "uneven.mkv", "-vf", chosen, "-fps_mode", "vfr", *X264, count=60)
    write_copy(path, tmp_path / "copy.mp4", max_width=120)
    source, copied = list(read_timed_frames(path)), list(read_timed_frames(tmp_path / "copy.mp4"))
    assert [index_of(frame) for _, _, frame in copied] == [index_of(frame) for _, _, frame in source]
    assert [time_s for _, time_s, _ in copied] == pytest.approx([time_s for _, time_s, _ in source], abs=1e-3)
    assert copied[0][2].shape == (72, 120, 3)


def test_dropped_frames_of_an_avi_leave_gaps_in_time_and_no_false_frames(tmp_path: Path) -> None:
    path = film(tmp_path / "drops.avi", "-vf", "select='lt(n,20)+gt(n,29)'", "-fps_mode", "vfr", "-c:v", "mjpeg",
                "-q:v", "3", count=60)  # fmt: skip
    found = [(index_of(frame), round(time_s * 25)) for _, time_s, frame in read_timed_frames(path)]
    assert found == [(index, index) for index in range(60) if not 20 <= index < 30]


def test_barcodes_tell_their_index() -> None:
    assert [index_of(frame) for frame in barcode_frames(300)] == list(range(300))
