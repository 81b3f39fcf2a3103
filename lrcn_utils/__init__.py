"""What two or more notebooks of the LRCN course share: data, models, decoding, metrics, training and widgets."""

__version__ = "0.1.0"
