"""The map of the course: its lessons as boxes, and an arrow from each lesson to those that build on it."""

from matplotlib.figure import Figure

from lrcn_utils.plots.diagrams import arrow, box, canvas
from lrcn_utils.plots.style import BLUE, GREEN, GREY

WIDTH, HEIGHT = 3.1, 1.3
LESSONS = {  # name, place of the box's centre, colour
    "00": ("00 Start here", (1.8, 3.2), GREY),
    "01": ("01 Convolu-\ntional networks", (6.0, 4.2), BLUE),
    "02": ("02 Long short-\nterm memory", (6.0, 2.2), BLUE),
    "03": ("03 Activity\nrecognition", (10.2, 4.2), GREEN),
    "04": ("04 Image\ncaptioning", (10.2, 2.2), GREEN),
    "05": ("05 Retrieval\nand evaluation", (14.4, 2.4), GREEN),
    "06": ("06 Video\ndescription", (14.4, 0.8), GREEN),
    "07": ("07 Break it", (14.4, 5.6), GREY),
    "08": ("08 Full scale", (14.4, 4.0), GREY),
}
ARROWS = ["00 01", "00 02", "01 03", "01 04", "02 03", "02 04", "03 07", "04 07", "03 08", "04 08", "04 05", "04 06"]


def course_map(here: str) -> Figure:
    """All lessons, with the one whose number is ``here`` ("00" to "08") filled in.

    Blue: the two networks that an LRCN is made of. Green: what is done with it. Raises ValueError for another number.
    """
    if here not in LESSONS:
        raise ValueError(f"here: {here!r} is no lesson; the lessons are {', '.join(LESSONS)}")
    figure = canvas(16.2, 6.4, inches=0.6)
    [axis] = figure.axes
    for one, other in map(str.split, ARROWS):
        (x, y), (to_x, to_y) = LESSONS[one][1], LESSONS[other][1]
        arrow(axis, [(x + WIDTH / 2, y), (to_x - WIDTH / 2, to_y)])
    for number, (name, at, colour) in LESSONS.items():
        box(axis, at, name, colour, (WIDTH, HEIGHT))
        if number == here:
            axis.patches[-1].set(facecolor=colour)
            axis.texts[-1].set(color="white", fontweight="bold")
    return figure
