"""``--preset paper``: what the paper and its released code set, option by option, with the place where it stands.

The papers: CVPR 2015, and v4, the text of arXiv 1411.4389v4 (TPAMI 2017). The code: that of activity recognition
(lisa-caffe-public, branch lstm_video_deploy, LRCN_activity_recognition) and that of captioning (caffe, branch
recurrent, coco_caption). The captioning code weighs its loss by 20. Without weight decay that is the same as 20 times
the rate and a clip of a twentieth, which stand here.
"""

from typing import NamedTuple

ACTIVITY, CAPTIONING = "activity code", "captioning code"
S2VT = "S2VT's code, a later paper by a co-author"
NOT_THEIRS = "no setting of this experiment is published"


class Row(NamedTuple):
    """One setting. ``option``: a field of the settings, or words for what has no option here.

    ``ours``: in what this package differs, and why; empty where it does not. A batch is that of a whole step, of all
    processes and of all batches whose gradients are added up.
    """

    option: str
    value: object
    source: str
    ours: str = ""


_ALEXNET = (
    "{0}'s ImageNet weights are a Caffe file; torchvision's AlexNet is the nearest that has any. --cnn {1} takes {2}"
)
_SGD = [
    Row("optimizer", "sgd", "solvers of both codes; momentum 0.9"),
    Row("caffe", True, "both codes: the biases learn at twice the rate, other layers at their own; first weights"),
]
ACTIVITY_SHARED = [
    Row(
        "cnn",
        "alexnet",
        "hybrid of CaffeNet and Zeiler and Fergus's network, v4 sec. 4",
        _ALEXNET.format("the hybrid", "hybrid --cnn-weights FILE", "the hybrid"),
    ),
    Row("end_to_end", True, ACTIVITY + ": every layer learns"),
    *_SGD,
    Row("weight_decay", 0.005, f"{ACTIVITY}, solvers", "both biases of an LSTM count as Caffe's one"),
    Row("rate", 0.001, f"{ACTIVITY}, solvers"),
    Row("drop_to", 0.1, f"{ACTIVITY}, solvers: gamma"),
    Row("every", 1, "v4 sec. 4: subsampling the frames hurts"),
    Row("freeze_conv1", False, ACTIVITY + ": every layer learns"),
    Row("brightness", 0.0, ACTIVITY + ": none"),
    Row(
        "crops",
        "centre",
        ACTIVITY + ", evaluate_lstm.py",
        "classify_video.py there takes ten (--crops ten); which gave the tables is not said",
    ),
    Row(
        "the crop in training",
        227,
        "v4 sec. 4: one of 240x320 for a clip, mirrored or not",
        "all clips are cropped; the code squeezes those that it does not mirror",
    ),
]
_SINGLE_FRAME = [
    Row(
        "clip_length",
        1,
        ACTIVITY + ": single frames",
        "a random frame of each video an epoch, where the code shuffles all frames of all videos",
    ),
    Row("batch_size", 128, ACTIVITY + ", train_test_singleFrame_RGB.prototxt: frames"),
    Row("clip_norm", 0.0, ACTIVITY + ": the gradient is not clipped"),
    Row("dropout of fc6 and fc7", 0.5, ACTIVITY, "with --cnn alexnet: torchvision's drops before fc6 and before fc7"),
]
_LRCN = [
    Row("clip_length", 16, "v4 sec. 4"),
    Row("feature", "fc6", "v4 sec. 4.1; --feature fc7 gives the other row of CVPR's table"),
    Row(
        "feature_dropout",
        0.9,
        "v4 sec. 4.1 and the activity code",
        "with --cnn alexnet: torchvision's drops half of what goes into fc6 as well",
    ),
    Row("dropout of the LSTM's output", 0.5, ACTIVITY),
    Row("batch_size", 24, ACTIVITY + ", train_test_lstm_RGB.prototxt: clips"),
    Row("warm_up", 0, ACTIVITY + ": LSTM and CNN learn together from the first step"),
]


def _steps(iterations: int, drop_every: int, source: str) -> list[Row]:
    return [
        Row("iterations", iterations, source, "in whole epochs, rounded up"),
        Row("drop_every", drop_every, source),
    ]


ACTIVITY_ROWS = {
    ("single-frame", "rgb"): [*_SINGLE_FRAME, *_steps(5_000, 3_000, f"{ACTIVITY}, singleFrame_solver_RGB.prototxt")],
    ("single-frame", "flow"): [
        *_SINGLE_FRAME,
        *_steps(50_000, 20_000, f"{ACTIVITY}, solver of the single frame on flow"),
    ],
    ("lrcn", "rgb"): [
        *_LRCN,
        Row("hidden", 256, "v4 sec. 4.1 and the activity code"),
        Row("clip_norm", 5.0, f"{ACTIVITY}, lstm_solver_RGB.prototxt"),
        *_steps(30_000, 10_000, f"{ACTIVITY}, lstm_solver_RGB.prototxt"),
    ],
    ("lrcn", "flow"): [
        *_LRCN,
        Row("hidden", 256, "CVPR and the activity code; v4 sec. 4.1 has 1024 (--hidden 1024)"),
        Row("clip_norm", 15.0, f"{ACTIVITY}, lstm_solver_flow.prototxt"),
        *_steps(70_000, 20_000, f"{ACTIVITY}, lstm_solver_flow.prototxt; the model named for release: 50,000"),
    ],
}

CAPTIONING_ROWS = [
    Row("cnn", "alexnet", "CaffeNet, v4 sec. 5", _ALEXNET.format("CaffeNet", "vgg16", "v4's VGGNet")),
    Row(
        "feature",
        "fc8",
        CAPTIONING + ": the 1000 class scores",
        "they are standardised first, as for every captioner here",
    ),
    Row("cell", "lstm", "v4 sec. 5"),
    Row("hidden", 1000, "CVPR and v4 sec. 5"),
    Row("embedding", 1000, CAPTIONING),
    Row("dropout", 0.0, CAPTIONING + ": none in the LSTMs"),
    Row("min_count", 5, CAPTIONING + ", coco_to_hdf5_data.py"),
    *_SGD,
    Row("weight_decay", 0.0, f"{CAPTIONING}, solver"),
    Row("rate", 0.2, f"{CAPTIONING}, solver: 0.01, by the loss weight of 20"),
    Row("clip_norm", 0.5, f"{CAPTIONING}, solver: 10, over the loss weight of 20"),
    Row("batch_size", 100, CAPTIONING + ", batches of captions"),
    *_steps(110_000, 20_000, f"{CAPTIONING}, solver"),
    Row("drop_to", 0.5, f"{CAPTIONING}, solver: gamma"),
    Row("words of a caption", 20, CAPTIONING + ", coco_to_hdf5_data.py"),
    Row("first weights", "uniform in 0.08 about 0, biases 0", CAPTIONING),
    Row(
        "image in the first stage",
        "the centre crop",
        "random crops and mirrors, fc8 that learns and dropout in the CNN",
        "its features are computed once, so that an epoch takes minutes, not days",
    ),
]
FINE_TUNING_ROWS = [
    Row("fine_tune_iterations", 50_000, f"{CAPTIONING}, lrcn_finetune_solver.prototxt", "in whole epochs, rounded up"),
    Row("fine_tune_rate", 0.02, CAPTIONING + ": 0.001, by the loss weight of 20; the CNN's a tenth of it"),
    Row("fine_tune_clip_norm", 1.25, CAPTIONING + ": 25, over the loss weight of 20"),
    Row("image in fine-tuning", "a random crop", "of 256x256, mirrored at random", "never mirrored: left stays left"),
]

DESCRIPTION_ROWS = [
    Row("optimizer", "sgd", f"{S2VT}; momentum 0.9", NOT_THEIRS),
    Row("caffe", True, f"{S2VT}: first weights and the rate of the output's bias", NOT_THEIRS),
    Row("hidden", 1000, S2VT, NOT_THEIRS),
    Row("embedding", 500, S2VT, NOT_THEIRS),
    Row("dropout", 0.0, S2VT, NOT_THEIRS),
    Row("rate", 0.2, f"{S2VT}: 0.01, by the loss weight of 20", NOT_THEIRS),
    Row("clip_norm", 0.5, f"{S2VT}: 10, over the loss weight of 20", NOT_THEIRS),
    Row("weight_decay", 0.0, S2VT, NOT_THEIRS),
    Row("batch_size", 32, S2VT, NOT_THEIRS),
    Row("iterations", 25_000, S2VT, NOT_THEIRS + "; in whole epochs, rounded up"),
    Row("drop_every", 20_000, S2VT, NOT_THEIRS),
    Row("drop_to", 0.5, S2VT, NOT_THEIRS),
    Row("layers", 2, "v4 sec. 6: the unfactored LRCN"),
    Row("the CRF's features", "a CNN's", "dense trajectories and SIFT", "this package has no other"),
]
