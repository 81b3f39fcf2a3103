"""The parts of the command ``arrow`` and the settings of each."""

from dataclasses import dataclass

from lrcn_utils.training.activity.settings import FROZEN_CNNS, ActivitySettings
from lrcn_utils.training.settings import Settings, option


@dataclass(frozen=True, kw_only=True)
class ArrowSettings(Settings):
    """Is a film played forwards or backwards? On any folder of films, without labels; chance is 50 %.

    Every window of frames is shown in both directions, in training and in test. So a single frame, and any set of
    frames without its order, is worth exactly 50 %. What is above that is an arrow of time, but not yet one of the
    world: films are compressed forwards only. The frames between two key frames are predicted, and drift until
    the next key frame mends them. So every model is also trained and tested where that trace is made equal or is
    missing: each direction encoded again in its own direction; frames at one position in the group of pictures only;
    key frames only. And the models trained on films as they are stored are shown films that were reversed and then
    encoded again. If they call these forwards, then what they read is the codec.

    Whole groups are held out, so that no model is tested on people or places that it was trained on. Lay the films
    out as CLASS/GROUP/film, as for prepare_videos.py: all films of one person, place or recording in one folder GROUP.
    Names v_Class_gXX_cYY tell the group themselves. A film that lies in CLASS/ without such a folder counts as recorded
    by itself. The class serves the table alone. --limit: so many films of each class.
    """

    RECIPE = {"epochs": 40, "batch_size": 16, "rate": 1e-3}
    DATASETS = ("toy", "ucf101")

    seeds: int = option(3, "how many seeds, from --seed on; each divides the groups anew")
    input: str = option("rgb", "what the CNN sees of the film as it is shown", choices=["rgb", "flow"])
    cnn: str = option("hybrid-toy", "the frozen CNN", choices=["hybrid-toy", *FROZEN_CNNS])
    folds: int = option(3, "parts of the groups; each is tested by models trained on the others", least=2)
    frames: int = option(300, "use at most so many frames of each film, from its beginning", least=16)
    gop: int = option(12, "frames in a group of pictures", least=2)
    quality: int = option(5, "quantiser of films that are encoded again; 1 is the finest", most=31)

    @property
    def sight(self) -> ActivitySettings:
        """How the CNN sees frames: their size, the crop and the layer, as in activity recognition."""
        return ActivitySettings(cnn=self.cnn, input=self.input)


@dataclass(frozen=True, kw_only=True)
class RecordedSettings:
    """What the course recorded on real clips, printed again without any training."""

    input: str = option("rgb", "what the CNN saw", choices=["rgb", "flow"])


PARTS = {"": ArrowSettings, "recorded": RecordedSettings}
RENAMED: dict[str, str] = {}
