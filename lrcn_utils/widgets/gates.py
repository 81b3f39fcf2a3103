"""The gate explorer: type a sentence and watch the LSTM's gates open and close, word by word."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure

from lrcn_utils.data.vocabulary import BOS, UNK, Vocabulary, tokenise
from lrcn_utils.models.lstm import LanguageModel, trace_gates
from lrcn_utils.plots.gates import gate_heatmaps, unit_curves
from lrcn_utils.plots.style import plain
from lrcn_utils.widgets.drawing import WRAP, png, sheet

LONGEST = 30  # words; more would not be legible in one picture


@dataclass
class Reading:
    """One sentence read by the model: the words of the steps, and per layer six arrays (time, hidden)."""

    steps: list[str]
    layers: list[dict[str, np.ndarray]]


class Gates:
    """The explorer's logic, without widgets: sentences in, what every gate did out."""

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary):
        self.model, self.vocabulary = model.eval(), vocabulary

    def read(self, sentence: str) -> Reading:
        """Read at most 30 words after ``<bos>``. Words that the model does not know are marked with a question mark."""
        words = tokenise(sentence)[:LONGEST]
        ids = [BOS, *self.vocabulary.encode(sentence, LONGEST)]
        steps = ["<bos>"] + [f"{word} ?" if id_ == UNK else word for word, id_ in zip(words, ids[1:], strict=True)]
        device = self.model.embedding.weight.device
        with torch.no_grad():
            layers = trace_gates(self.model.lstm, self.model.embedding(torch.tensor(ids, device=device)))
        return Reading(steps, [{name: values.cpu().numpy() for name, values in layer.items()} for layer in layers])

    def memory(self, reading: Reading, layer: int = 0) -> np.ndarray:
        """How long each unit remembers (hidden,): mean over the words of its forget gate, 1 is for ever."""
        return reading.layers[layer]["forget"].mean(axis=0)

    def heatmaps(self, reading: Reading, layer: int = 0, unit: int | None = None) -> Figure:
        return gate_heatmaps(reading.layers[layer], [plain(step) for step in reading.steps], unit)

    def curves(self, reading: Reading, layer: int = 0, unit: int = 0) -> Figure:
        return unit_curves(reading.layers[layer], [plain(step) for step in reading.steps], unit)


class GateExplorer(ipywidgets.VBox):
    """Pick or type a sentence; choose the layer and a unit. ``sentences``: what the menu offers."""

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary, sentences: Sequence[str]):
        if not sentences:
            raise ValueError("sentences: empty; give at least one sentence to start with")
        self.gates = Gates(model, vocabulary)
        style, wide = {"description_width": "90px"}, ipywidgets.Layout(width="95%")
        self.menu = ipywidgets.Dropdown(options=list(sentences), description="Pick", style=style, layout=wide)
        self.text = ipywidgets.Text(
            value=sentences[0], description="or type", continuous_update=False, style=style, layout=wide
        )
        sliders = {"continuous_update": False, "style": style}
        layers = model.lstm.num_layers
        self.layer = ipywidgets.IntSlider(value=1, min=1, max=layers, description="Layer", **sliders)
        self.unit = ipywidgets.IntSlider(value=0, min=0, max=model.lstm.hidden_size - 1, description="Unit", **sliders)
        self.longest = ipywidgets.Button(description="Unit with the longest memory", layout={"width": "230px"})
        self.note = ipywidgets.HTML()
        self.all_units, self.one_unit = (ipywidgets.Image(format="png") for _ in "ab")
        super().__init__(
            [
                self.menu,
                self.text,
                ipywidgets.HBox([self.layer] * (layers > 1) + [self.unit, self.longest], layout=WRAP),
                self.note,
                sheet(self.one_unit, "640px"),
                sheet(self.all_units, "640px"),
            ]
        )
        self.menu.observe(self._pick, names="value")
        self.text.observe(self._read, names="value")
        self.layer.observe(self._draw, names="value")
        self.unit.observe(self._draw_unit, names="value")
        self.longest.on_click(self._find_longest)
        self._read()

    def figure(self) -> Figure:
        """The static twin: all gates and states of the present sentence."""
        return self.gates.heatmaps(self.reading, self.layer.value - 1)

    def _pick(self, _) -> None:
        self.text.value = self.menu.value

    def _read(self, _=None) -> None:
        self.reading = self.gates.read(self.text.value)
        unknown = [html.escape(step[:-2]) for step in self.reading.steps if step.endswith(" ?")]
        self.note.value = f"Not in the vocabulary, read as &lt;unk&gt;: {', '.join(unknown)}" if unknown else ""
        self._draw()

    def _draw(self, _=None) -> None:
        self.all_units.value = png(self.gates.heatmaps(self.reading, self.layer.value - 1))
        self._draw_unit()

    def _draw_unit(self, _=None) -> None:
        self.one_unit.value = png(self.gates.curves(self.reading, self.layer.value - 1, self.unit.value))

    def _find_longest(self, _) -> None:
        self.unit.value = int(self.gates.memory(self.reading, self.layer.value - 1).argmax())
