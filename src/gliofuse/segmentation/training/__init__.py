"""Training a segmenter; Lightning loads when a stage's training starts."""

from gliofuse.segmentation.training.state import StageProgress
from gliofuse.segmentation.training.train import TrainedOn, train_segmenter

__all__ = ["StageProgress", "TrainedOn", "train_segmenter"]
