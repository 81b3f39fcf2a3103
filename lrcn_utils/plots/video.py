"""Video in a notebook: a clip that plays, a strip of frames that prints, and optical flow as colours and arrows."""

import base64
import html
import io
from collections.abc import Sequence

import av
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure


def show_clip(frames: np.ndarray, fps: float = 25, *, caption: str = "", width: int = 320):
    """An HTML ``<video>`` that plays uint8 RGB frames (time, height, width, 3) in a loop, for the end of a cell.

    The video stands inside the notebook as H.264, some 10 to 50 kB for a second or two; no other program is needed,
    and no network. ``width``: pixels on the page; small frames are enlarged.
    Raises ValueError when there is no frame or the array has another form.
    """
    from IPython.display import HTML

    data = base64.b64encode(_h264(_checked(frames), fps)).decode()
    under = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    label = html.escape(caption or f"video of {len(frames)} frames", quote=True)
    return HTML(
        f'<figure style="margin:0"><video width="{width}" aria-label="{label}" controls loop muted autoplay'
        f' playsinline src="data:video/mp4;base64,{data}"></video>{under}</figure>'
    )


def strip(
    frames: np.ndarray, n: int = 8, *, titles: Sequence[str] | None = None, width: float = 12, title: str = ""
) -> Figure:
    """``n`` frames spread evenly over the video (first and last included), side by side, with their numbers.

    ``frames``: uint8 RGB (time, height, width, 3). ``titles``: one for each frame shown instead of its number.
    """
    frames = _checked(frames)
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(n, len(frames))).round().astype(int))
    height = width / len(chosen) * frames.shape[1] / frames.shape[2] + 0.35 + 0.3 * bool(title)
    figure, axes = plt.subplots(1, len(chosen), figsize=(width, height), squeeze=False, layout="constrained")
    for place, (axis, number) in enumerate(zip(axes[0], chosen, strict=True)):
        axis.imshow(frames[number])
        axis.set_title(titles[place] if titles else f"frame {number}", fontsize=10, loc="center")
        axis.set_axis_off()
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def flow_to_rgb(flow: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Flow in pixels (..., height, width, 2) as colours, uint8 (..., height, width, 3).

    The hue is the direction and the saturation the speed: white does not move, full colour moves ``largest``
    pixels a frame or more (default: the fastest of the pixels given). ``colour_wheel`` is the key.
    """
    flow = np.asarray(flow, np.float32)
    speed = np.hypot(flow[..., 0], flow[..., 1])
    largest = largest or float(speed.max()) or 1.0
    hue = np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi) % 1
    hsv = np.stack([hue, np.minimum(speed / largest, 1), np.ones_like(hue)], -1)
    return np.rint(255 * hsv_to_rgb(hsv)).astype(np.uint8)


def colour_wheel(axes: Axes, largest: float = 8.0, side: int = 151) -> Axes:
    """The key to ``flow_to_rgb``: the colour of every motion of up to ``largest`` pixels a frame."""
    steps = np.linspace(-largest, largest, side, dtype=np.float32)
    flow = np.stack(np.meshgrid(steps, steps), -1)
    picture = flow_to_rgb(flow, largest)
    picture[np.hypot(flow[..., 0], flow[..., 1]) > largest] = 255
    axes.imshow(picture, extent=(-largest, largest, largest, -largest))
    axes.set(xlabel="right, pixels a frame", ylabel="down", title="colour of a motion")
    axes.spines[:].set_visible(False)
    return axes


def _checked(frames: np.ndarray) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or len(frames) == 0:
        raise ValueError(f"frames must be uint8 (time, height, width, 3), not {frames.dtype} {frames.shape}")
    return frames


def _h264(frames: np.ndarray, fps: float) -> bytes:
    """An MP4 that every browser plays: even sides, 4:2:0."""
    frames = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"fflags": "bitexact"}) as container:
        stream = container.add_stream("libx264", rate=round(fps), options={"crf": "26", "preset": "medium"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()
