"""The deep branch: networks, the data that feeds them, training, features, explanation.

Nothing is imported here: torch, MONAI and Lightning load with the submodule that needs them.

- :mod:`gliofuse.deep.networks`: the networks, by name
- :mod:`gliofuse.deep.data`: slices and patches cut once per patient, data sets, augmentation
- :mod:`gliofuse.deep.training`: settings, training, prediction, checkpoints, features
- :mod:`gliofuse.deep.explain`: Grad-CAM and its sanity checks
"""
