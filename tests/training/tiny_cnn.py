"""A CNN of two small layers for frames of 4 x 4 pixels, in the form of the course's CNNs."""

from torch import nn


class TinyCNN(nn.Module):
    feature_size = {"fc6": 6, "fc7": 6}
    crop = 4

    def __init__(self):
        super().__init__()
        self.fc6, self.fc7, self.dropout = nn.Linear(3 * 4 * 4, 6), nn.Linear(6, 6), nn.Dropout(0.5)

    def features(self, frames, layer):
        fc6 = self.fc6(frames.flatten(1)).relu()
        return fc6 if layer == "fc6" else self.fc7(self.dropout(fc6)).relu()
