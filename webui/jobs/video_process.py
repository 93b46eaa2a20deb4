"""A child process that looks at one video: probe it, cut a frame out, or make a copy that a browser plays.

`python -m webui.jobs.video_process JSON`, with {"do": "probe" | "copy", "video", "out", ..., "limits"}; the answer is
a file.
Nothing of the server's is in this process: a file that breaks the decoder breaks only this.
"""

import json
import resource
import sys
from functools import partial
from pathlib import Path

from webui.jobs.records import CopyOrder, Declared, ProbeOrder, Shortfall
from webui.jobs.subprocesses import end_with_parent

SHOWN_WIDTH = 1280
WHOLE_S = 30.0  # a file that takes longer to read through is judged by the analysis


def main() -> None:
    """Do what the first argument says."""
    end_with_parent()
    order = json.loads(sys.argv[1])
    memory, seconds = int(order["limits"]["bytes"]), int(order["limits"]["cpu_seconds"])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if order["do"] == "probe":
        probe_video(order)
    else:
        copy_video(order)


def probe_video(order: ProbeOrder) -> None:
    """Write probe.json and frame.jpg into `out`: what the file declares, and how much of it is there."""
    from ubam.core.errors import VideoError
    from ubam.core.files import write_json
    from ubam.recordings.video_reader import probe

    video, out, limits = Path(order["video"]), Path(order["out"]), order["limits"]
    try:
        info = probe(video, max_pixels=limits["pixels"])
        given_fps = order["given_fps"]
        lasts = info.frames_declared / given_fps if given_fps else info.duration_s
        if lasts > limits["seconds"]:
            raise VideoError(f"lasts {lasts:.0f} s, above the limit of {limits['seconds']:.0f} s; cut it")
        warnings = [_sentence(words) for words in (*info.warnings, *_shown_frame(video, out, info.width))]
        found: Declared = {
            "fps": info.fps, "duration_s": info.duration_s, "width": info.width, "height": info.height,
            "frames": info.frames_declared, "status": "ok", "reason": "", "warnings": warnings, "keypoints_said": "",
        }  # fmt: skip
        whole: Declared = {**found, **(_shortfall(video, found) or {})}  # type: ignore[typeddict-item]
        if given_fps:
            whole["duration_s"] = whole["frames"] / given_fps
        write_json(out / "probe.json", _with_companions(whole, order))
    except VideoError as error:
        words = str(error).removeprefix(f"{video}").lstrip(": ").replace(str(video), "the file")
        write_json(out / "probe.json", {"status": "failed", "reason": words[:1].upper() + words[1:]})


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."


def _with_companions(found: Declared, order: ProbeOrder) -> Declared:
    """What is found of a video, and of the keypoints and masks that are to go with it, by the rules of `ubam check`."""
    from ubam.core.errors import StudyError
    from ubam.recordings.keypoint_files import read_keypoints
    from ubam.recordings.mask_files import check_masks

    video, reason, said = Path(order["video"]), order["lacking"].get("mask", ""), order["lacking"].get("keypoints", "")
    try:
        if order["mask"]:
            check_masks(Path(order["mask"]), found["frames"])
    except StudyError as error:
        reason = _about_the_file(error, order["mask"], "the masks")
    try:
        if order["keypoints"]:
            read_keypoints(Path(order["keypoints"]), video, found["frames"])
            said = "ok"
    except StudyError as error:
        said = _about_the_file(error, order["keypoints"], "the keypoints")
    if reason:
        return {**found, "status": "failed", "reason": reason, "keypoints_said": said}
    return {**found, "keypoints_said": said}


def _about_the_file(error: Exception, path: str | None, words: str) -> str:
    """An error in the words of the user, who gave the file another name."""
    told = str(error).removeprefix(f"{path}").lstrip(": ").replace(str(path), words)
    return f"{words[:1].upper()}{words[1:]}: {told}."


def _shortfall(video: Path, found: Declared) -> Shortfall | None:
    """What can be read of a file that was cut short or is damaged; None for one that is whole."""
    from ubam.recordings.container import early_end

    there = early_end(video, fps=found["fps"], frames=found["frames"], duration_s=found["duration_s"], seconds=WHOLE_S)
    if there is None:
        return None
    frames, seconds = there
    if frames < found["frames"]:
        words = f"The file ends early: {seconds:.1f} of {found['duration_s']:.1f} s are there ({frames} of "
        words += f"{found['frames']} pictures), and they will be analysed."
    else:
        words = "The file is damaged in places; what can be read of it will be analysed."
    words += " Copy it again from the camera if you need the whole."
    return {"status": "partial", "reason": words, "frames": min(frames, found["frames"]),
            "duration_s": min(seconds, found["duration_s"])}  # fmt: skip


def _shown_frame(video: Path, out: Path, width: int) -> list[str]:
    """Write frame.jpg, from the middle (many walk into the picture), at most 1280 pixels wide; warnings.

    The first frame is decoded too: it says whether the decoder complains, and is shown where the middle is missing.
    """
    import cv2

    from ubam.core.errors import VideoError
    from ubam.core.files import atomic_path
    from ubam.recordings.video_reader import glimpse, read_frames

    damage: list[str] = []
    first = next(read_frames(video, stop_frame=1, damage=damage), None)
    if first is None:
        raise VideoError("no frame could be decoded; copy it again or convert it to MP4")
    middle = glimpse(video)
    frame = first if middle is None else middle
    if width > SHOWN_WIDTH:
        frame = cv2.resize(
            frame, (SHOWN_WIDTH, round(frame.shape[0] * SHOWN_WIDTH / width)), interpolation=cv2.INTER_AREA
        )
    with atomic_path(out / "frame.jpg") as temporary:
        cv2.imwrite(str(temporary), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return damage


def copy_video(order: CopyOrder) -> None:
    """Write `out`, an MP4 that a browser plays, without metadata and sound, with the face unrecognisable."""
    from ubam.recordings.video_writer import write_copy
    from webui.data.face import box_at

    blur = partial(box_at, order["face"]) if order["face"] else None
    write_copy(Path(order["video"]), Path(order["out"]), blur=blur, max_width=order["width"])


if __name__ == "__main__":
    main()
