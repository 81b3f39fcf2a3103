"""What the exercises call: one file a lesson, one function an exercise.

    checks.lstm.step(my_step)

tries the student's function and prints one sentence: that it passed, or what is wrong with it.
"""

from lrcn_utils.checks import activity, captioning, cnn, description, lstm, retrieval, scale

__all__ = ["cnn", "lstm", "activity", "captioning", "retrieval", "description", "scale"]
