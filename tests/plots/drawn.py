"""What is drawn in a diagram, and whether it fits: shared by the tests of all diagrams."""


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def count(figure, kind):
    return sum(type(patch) is kind for patch in figure.axes[0].patches)


def assert_it_fits(figure):
    """Nothing leaves the page, and no two labels overlap."""
    figure.canvas.draw()
    labels = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for inside in (*labels, *(patch.get_window_extent() for patch in figure.axes[0].patches)):
        assert inside.x0 >= 0 and inside.y0 >= 0
        assert inside.x1 <= figure.bbox.width and inside.y1 <= figure.bbox.height
    for one, first in enumerate(labels):
        assert not any(first.overlaps(other) for other in labels[one + 1 :])
