"""From a scene to pixels: polygons on moving planes, painted back to front, and the ground truth that follows.

Every actor is a rigid drawing with one affine pose a frame. That makes the true flow exact: the actor
under a pixel is known, and so is where its plane carries that pixel.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageDraw

SCALE = 4  # side of the block of painted pixels that is averaged into one
MARGIN = 6  # pixels painted beyond each edge at least, for the camera to move over


@dataclass(frozen=True)
class Shape:
    """A filled polygon: ``points`` (n, 2) in the sprite's own pixels, ``colour`` (r, g, b) or (r, g, b, alpha)."""

    points: np.ndarray
    colour: tuple[int, ...]


Sprite = list[Shape]


@dataclass
class Actor:
    """A sprite with its poses.

    ``poses``: (frames, 5) or (1, 5) of x, y, angle (radians, clockwise on the screen), scale x, scale y.
    ``name``: what it is in the ground truth; None for scenery. ``visible``: (frames,) of bool, or None for always.
    """

    sprite: Sprite
    poses: np.ndarray
    name: str | None = None
    visible: np.ndarray | None = None

    def shown(self, t: int) -> bool:
        return self.visible is None or bool(self.visible[t])

    def matrix(self, t: int) -> np.ndarray:
        """The (2, 3) affine map from sprite to world at frame ``t``."""
        x, y, angle, scale_x, scale_y = self.poses[min(t, len(self.poses) - 1)]
        cos, sin = np.cos(angle), np.sin(angle)
        return np.array([[cos * scale_x, -sin * scale_y, x], [sin * scale_x, cos * scale_y, y]])


@dataclass
class Scene:
    """All that a clip or a still shows. ``backdrop`` never moves; ``actors`` are painted over it in order.

    ``camera``: (frames, 2) shift of the picture in pixels, in steps of 1 / SCALE: a hand that sways, and panning.
    ``light``: uint8 image of (height, width, 3) that multiplies the picture. ``facts``: what language and ground truth
    need to know.
    """

    size: tuple[int, int]
    backdrop: list[Actor]
    actors: list[Actor]
    camera: np.ndarray
    light: np.ndarray
    zoom: float = 1.0
    mirrored: bool = False
    facts: dict = field(default_factory=dict)

    @property
    def frames(self) -> int:
        return len(self.camera)

    def view(self) -> np.ndarray:
        """The (2, 3) affine map from world to screen, before the camera's shift: zoom and mirror about the middle."""
        width, height = self.size
        across = -self.zoom if self.mirrored else self.zoom
        return np.array([[across, 0, width / 2 * (1 - across)], [0, self.zoom, height / 2 * (1 - self.zoom)]])

    def screen_matrix(self, actor: Actor | None, t: int) -> np.ndarray:
        """The (3, 3) map from sprite (None: the backdrop) to screen at frame ``t``."""
        placed = np.vstack([self.view(), [0, 0, 1]])
        if actor is not None:
            placed = placed @ np.vstack([actor.matrix(t), [0, 0, 1]])
        placed[:2, 2] += self.camera[t]
        return placed

    def reversed(self) -> "Scene":
        """The same scene played backwards, camera included."""
        for actor in self.actors:
            actor.poses = actor.poses[::-1]
            actor.visible = None if actor.visible is None else actor.visible[::-1]
        self.camera = self.camera[::-1]
        return self


def _paint(image: Image.Image, actors: list[Actor], t: int, view: np.ndarray, shift: np.ndarray) -> None:
    opaque, glazing = ImageDraw.Draw(image), ImageDraw.Draw(image, "RGBA")
    for actor in actors:
        if not actor.shown(t):
            continue
        pose = actor.matrix(t)
        linear = SCALE * view[:, :2] @ pose[:, :2]
        offset = SCALE * (view[:, :2] @ pose[:, 2] + view[:, 2] + shift) + 0.5
        for shape in actor.sprite:
            points = (shape.points @ linear.T + offset).ravel().tolist()
            (glazing if len(shape.colour) == 4 else opaque).polygon(points, fill=shape.colour)


def render(scene: Scene, moments: Iterable[int] | None = None) -> Iterator[np.ndarray]:
    """Yield the scene's frames, or those at ``moments`` (frame numbers from 0), each uint8 (height, width, 3)."""
    width, height = scene.size
    view = scene.view()
    # What never moves is painted once, on a canvas that holds all that the camera passes over.
    edge, first = np.ceil(scene.camera.max(0)).clip(MARGIN), np.floor(scene.camera.min(0)).clip(max=-MARGIN)
    across, down = (edge - first).astype(int).tolist()
    canvas = Image.new("RGB", ((width + across) * SCALE, (height + down) * SCALE))
    still = 0
    while still < len(scene.actors) and len(scene.actors[still].poses) == 1 and scene.actors[still].visible is None:
        still += 1
    _paint(canvas, scene.backdrop + scene.actors[:still], 0, view, edge)
    light = Image.fromarray(scene.light)
    for t in range(scene.frames) if moments is None else moments:
        left, top = np.rint((edge - scene.camera[t]) * SCALE).astype(int).tolist()
        frame = canvas.crop((left, top, left + width * SCALE, top + height * SCALE))
        _paint(frame, scene.actors[still:], t, view, scene.camera[t])
        yield np.asarray(ImageChops.multiply(frame.reduce(SCALE), light))


def actor_map(scene: Scene, t: int) -> np.ndarray:
    """Which actor each pixel of frame ``t`` shows: (height, width) of int, 0 the backdrop, k ``actors[k - 1]``."""
    width, height = scene.size
    image = Image.new("L", (width * SCALE, height * SCALE))
    draw, view = ImageDraw.Draw(image), scene.view()
    for number, actor in enumerate(scene.actors, start=1):
        if not actor.shown(t):
            continue
        pose = actor.matrix(t)
        linear = SCALE * view[:, :2] @ pose[:, :2]
        offset = SCALE * (view[:, :2] @ pose[:, 2] + view[:, 2] + scene.camera[t]) + 0.5
        for shape in actor.sprite:
            if len(shape.colour) == 3:  # glazes and shadows belong to what is below them
                draw.polygon((shape.points @ linear.T + offset).ravel().tolist(), fill=number)
    return np.asarray(image)[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE].astype(int)


def flow(scene: Scene) -> np.ndarray:
    """The true flow, (frames - 1, height, width, 2) float32: pixels right and down from frame t to t + 1."""
    width, height = scene.size
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x + 0.5, y + 0.5, np.ones_like(x)], axis=-1).astype(float)
    result = np.zeros((max(scene.frames - 1, 0), height, width, 2), np.float32)
    for t in range(scene.frames - 1):
        seen = actor_map(scene, t)
        for number in np.unique(seen):
            actor = scene.actors[number - 1] if number else None
            carry = scene.screen_matrix(actor, t + 1) @ np.linalg.inv(scene.screen_matrix(actor, t))
            here = seen == number
            result[t][here] = (pixels[here] @ (carry - np.eye(3)).T)[:, :2]
    return result


def boxes(scene: Scene, t: int) -> dict[str, list[int]]:
    """What is visible at frame ``t``: name -> [x, y, width, height] in pixels of all actors of that name together."""
    seen = actor_map(scene, t)
    found: dict[str, list[int]] = {}
    for name in dict.fromkeys(actor.name for actor in scene.actors if actor.name):
        numbers = [k for k, actor in enumerate(scene.actors, start=1) if actor.name == name]
        rows, columns = np.nonzero(np.isin(seen, numbers))
        if len(rows):
            x, y = int(columns.min()), int(rows.min())
            found[name] = [x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1]
    return found
