"""What the estimators share: checks at the door, folds, weights and rank statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, check_X_y, validate_data

from gliofuse.errors import SettingError, did_you_mean

__all__ = [
    "PRIORS",
    "SCORINGS",
    "binary_tags",
    "check_binary",
    "check_choice",
    "check_share",
    "column_auc",
    "fold_scores",
    "inner_splits",
    "prior_shift",
    "random_generator_seed",
    "sample_weights",
    "stratified_folds",
    "usable_folds",
    "validated",
    "validated_with_labels",
]

#: figures that a grid can be chosen by; higher is better for all
SCORINGS = ("roc_auc", "accuracy", "balanced_accuracy", "neg_log_loss")

#: what a scorer's probabilities refer to: the training patients' shares of the classes, or the
#: shares that class weights make of them
PRIORS = ("training", "weighted")

Float = NDArray[np.float64]
Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def check_binary(estimator: Any, X: Any, y: Any) -> tuple[Float, NDArray[np.int64], NDArray[Any]]:
    """Validate training data; return float64 X, y as 0/1, and the two classes, sorted.

    Raises
    ------
    ValueError
        If X is not a finite 2-D numeric table of two or more patients, or y has not two classes.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None: give the patients' labels"
        )
    X, y = validated_with_labels(estimator, X, y, ensure_min_samples=2)
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    classes, codes = np.unique(y, return_inverse=True)
    if classes.size > 2:
        raise ValueError(
            f"Only binary classification is supported. The type of the target is {kind}: "
            f"{name} got {classes.size} classes in y; cut the endpoint into two"
        )
    if classes.size < 2:
        raise ValueError(
            f"{name} can't be fitted on one class: y must hold two classes, got only "
            f"{classes[0]!r}; check the endpoint and the split"
        )
    return X, codes.astype(np.int64), classes


def validated(estimator: Any, X: Any, *, reset: bool = True, **checks: Any) -> Float:
    """Return X as float64, checked by scikit-learn's ``validate_data``.

    That looks at every column of a data frame for its type, which takes longer than many a fit
    where there are thousands; one of float64 alone is checked as one array.
    """
    if not _is_floats(X):
        return np.asarray(
            validate_data(estimator, X, dtype=np.float64, reset=reset, **checks), dtype=np.float64
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)  # names and number of columns
    return np.asarray(check_array(X.to_numpy(), estimator=estimator, input_name="X", **checks))


def validated_with_labels(
    estimator: Any, X: Any, y: Any, **checks: Any
) -> tuple[Float, NDArray[Any]]:
    """Return X as :func:`validated` does, and the labels as one array of equal length."""
    if not _is_floats(X):
        X, y = validate_data(estimator, X, y, dtype=np.float64, **checks)
        return X, y
    validate_data(estimator, X, y, skip_check_array=True)
    X, y = check_X_y(X.to_numpy(), y, estimator=estimator, **checks)
    return X, y


def _is_floats(X: Any) -> bool:
    return isinstance(X, pd.DataFrame) and bool((X.dtypes == np.float64).all())


def binary_tags(tags: Tags) -> Tags:
    """Declare that a label is needed and that it has two classes."""
    from sklearn.utils import ClassifierTags

    if tags.classifier_tags is None:
        tags.classifier_tags = ClassifierTags()
    tags.classifier_tags.multi_class = False
    tags.target_tags.required = True
    return tags


def check_choice(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    """Refuse a setting that is not one of ``allowed``."""
    if value not in allowed:
        raise SettingError(
            f"{name} got {value!r}; {did_you_mean(str(value), (str(a) for a in allowed))}"
        )


def check_share(name: str, value: float, low: float = 0.0, high: float = 1.0) -> None:
    """Refuse a number outside ``low`` to ``high``."""
    if not low <= value <= high:
        raise SettingError(f"{name} must be from {low:g} to {high:g}, got {value!r}")


def inner_splits(estimator: Any, y: Any, people: NDArray[Any] | None = None) -> Folds:
    """Return the folds that an estimator with ``folds`` and ``random_state`` cross-validates on.

    With ``people``, the person behind each row, all rows of a person are on one side, and there are
    no more folds than leave both classes on both sides.

    Raises
    ------
    SettingError
        If not even two folds have both classes on both sides.
    """
    codes = np.unique(np.asarray(y), return_inverse=True)[1]
    folds = usable_folds(codes, estimator.folds)
    seed = random_generator_seed(estimator.random_state)
    if people is None:
        return stratified_folds(codes, folds, seed)
    for count in range(min(folds, np.unique(people).size), 1, -1):
        splits = stratified_folds(codes, count, seed, people)
        if all(np.unique(codes[side]).size == 2 for split in splits for side in split):
            return splits
    raise SettingError(
        f"cross-validation needs two people of each class, got {np.unique(people).size} people "
        f"behind {codes.size} rows: give more patients or fewer outer folds"
    )


def usable_folds(y: NDArray[np.int64], folds: int) -> int:
    """Return ``folds`` reduced to the size of the smallest class, at least 2.

    Raises
    ------
    SettingError
        If a class has fewer than two patients, or ``folds`` is below 2.
    """
    if folds < 2:
        raise SettingError(f"folds must be 2 or more, got {folds!r}")
    smallest = int(np.bincount(y, minlength=2).min())
    if smallest < 2:
        raise SettingError(
            f"cross-validation needs two patients of each class, the smaller class has {smallest}: "
            "give more patients or fewer outer folds"
        )
    return min(folds, smallest)


def random_generator_seed(random_state: Any) -> int:
    """Return one integer seed from an int, a RandomState or None."""
    from sklearn.utils import check_random_state

    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def stratified_folds(
    y: NDArray[Any], folds: int, seed: int, people: NDArray[Any] | None = None
) -> Folds:
    """Return (training, test) positions of shuffled stratified folds.

    With ``people``, the person behind each row, all rows of a person are on one side.
    """
    kind = StratifiedKFold if people is None else StratifiedGroupKFold
    splitter = kind(n_splits=folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros((y.size, 1)), y, people))


def sample_weights(
    y: NDArray[np.int64], class_weight: str | dict[Any, float] | None, classes: NDArray[Any]
) -> Float:
    """Return the patients' weights: balanced ones sum to the patients, each class to half."""
    if isinstance(class_weight, dict):
        return np.array([float(class_weight.get(label, 1.0)) for label in classes])[y]
    check_choice("class_weight", class_weight, ("balanced", None))
    if class_weight is None:
        return np.ones(y.size)
    counts = np.bincount(y, minlength=2)
    return (y.size / (2.0 * counts))[y]


def prior_shift(
    prior: str, y: NDArray[np.int64], class_weight: Any, classes: NDArray[Any]
) -> float:
    """Return what class weights add to every patient's log-odds, where that is to be undone.

    Weights ``w`` multiply the odds of the second class by ``w_1 / w_0``, as if its patients were
    so many more. ``prior="training"`` asks for that to be taken off again; ``"weighted"`` leaves
    it (0 is returned).

    References
    ----------
    Saerens et al. 2002, Neural Comput 14:21-41; King and Zeng 2001, Polit Anal 9:137-163.

    Examples
    --------
    >>> y = np.array([0, 0, 0, 0, 1])
    >>> round(prior_shift("training", y, "balanced", np.array([0, 1])), 4)  # log(4)
    1.3863
    """
    check_choice("prior", prior, PRIORS)
    if prior == "weighted":
        return 0.0
    weights = sample_weights(y, class_weight, classes)
    return float(np.log(weights[y == 1][0] / weights[y == 0][0]))


def column_auc(y: NDArray[np.int64], decision: Float) -> Float:
    """Return the area under the ROC curve of every column; ties count one half.

    Parameters
    ----------
    y : ndarray of shape (patients,)
        0/1, both present.
    decision : ndarray of shape (patients, models)
    """
    ranks = pd.DataFrame(decision).rank(axis=0).to_numpy()
    positive = y == 1
    n_pos = int(positive.sum())
    n_neg = y.size - n_pos
    return (ranks[positive].sum(axis=0) - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg)


def fold_scores(scoring: str, y: NDArray[np.int64], decision: Float) -> Float:
    """Score every column of log-odds ``decision`` (patients, models); higher is better."""
    check_choice("scoring", scoring, SCORINGS)
    if scoring == "roc_auc":
        return column_auc(y, decision)
    truth = y[:, None] == 1
    if scoring == "neg_log_loss":
        return -np.mean(np.logaddexp(0.0, np.where(truth, -decision, decision)), axis=0)
    right = (decision > 0) == truth
    if scoring == "accuracy":
        return right.mean(axis=0)
    return (right[y == 1].mean(axis=0) + right[y == 0].mean(axis=0)) / 2
