"""The types of which a bundle's estimators may make objects: this list and nothing else."""

from __future__ import annotations

__all__ = ["TRUSTED"]

_PLAIN = (
    "builtins.dict",
    "builtins.list",
    "builtins.str",
    "builtins.tuple",
    "numpy.float64",
    "numpy.int64",
    "numpy.ndarray",
)
_SKLEARN = (
    "sklearn.decomposition._pca.PCA",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.multiclass.OneVsRestClassifier",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.MinMaxScaler",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
    "sklearn.preprocessing._label.LabelBinarizer",
    "sklearn.svm._classes.SVC",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._tree.Tree",
)
_OWN = (
    "gliofuse.designs.framework.clinical.SteadyLogistic",
    "gliofuse.signature.backward_aic.BackwardAIC",
    "gliofuse.signature.elastic_net.ElasticNetSignature",
    "gliofuse.signature.forest.ForestSignature",
    "gliofuse.signature.forest_topk.ForestTopK",
    "gliofuse.signature.impute.MedianImputer",
    "gliofuse.signature.lasso.LassoSelector",
    "gliofuse.signature.levene.LeveneSelector",
    "gliofuse.signature.logistic.LogisticScorer",
    "gliofuse.signature.nested.NestedPipeline",
    "gliofuse.signature.nested.PeoplePipeline",
    "gliofuse.signature.ridge.RidgeSignature",
    "gliofuse.signature.svm.SVMSignature",
    "gliofuse.signature.ttest.TTestSelector",
    "gliofuse.signature.weighted.WeightedFusion",
    "gliofuse.survival.elastic_net.CoxElasticNet",
    "gliofuse.survival.forest.MartingaleForestTopK",
    "gliofuse.survival.signature.SurvivalSignature",
    "gliofuse.survival.signature._bounded",
    "gliofuse.survival.time_net.TimeElasticNet",
)

#: By the name of their module and their own; a function among them is one that a step applies.
TRUSTED: frozenset[str] = frozenset((*_PLAIN, *_SKLEARN, *_OWN))
