"""Survival data sets with ties, as (X, y), whose figures R gave.

rossi, lung and gbsg2 are those of lifelines; veteran.csv is the Veterans' Administration lung
cancer trial (Kalbfleisch and Prentice 1980, The Statistical Analysis of Failure Time Data,
appendix 1), ``survival::veteran`` of R. The R sessions were R 4.2.2 with survival 3.5-3, Hmisc
4.8-0, rms 6.5-0 and glmnet 4.1-6, on::

    rossi <- read.csv("rossi.csv"); g <- read.csv("gbsg2.csv")       # of lifelines
    g$h <- as.integer(g$horTh == "yes"); g$m <- as.integer(g$menostat == "Post")
    g$g2 <- as.integer(g$tgrade == "II"); g$g3 <- as.integer(g$tgrade == "III")
    l <- lung[complete.cases(lung[, c("time","status","age","sex","ph.ecog","wt.loss")]), ]
    l$e1 <- as.integer(l$ph.ecog == 1); l$e2 <- as.integer(l$ph.ecog >= 2)
    v <- veteran; v$sq <- as.integer(v$celltype == "squamous")
    v$sm <- as.integer(v$celltype == "smallcell"); v$ad <- as.integer(v$celltype == "adeno")
    ctl <- coxph.control(eps = 1e-11)
    fr <- coxph(Surv(week, arrest) ~ fin+age+race+wexp+mar+paro+prio, rossi, control = ctl)
    fl <- coxph(Surv(time, status == 2) ~ age+sex+e1+e2+wt.loss, l, control = ctl)
    fg <- coxph(Surv(time, cens) ~ h+age+m+tsize+g2+g3+pnodes+progrec+estrec, g, control = ctl)
    fv <- coxph(Surv(time, status) ~ trt+sq+sm+ad+karno+age+prior, v, control = ctl)
"""

from pathlib import Path

import pandas as pd
import pytest


def _split(table, time, event, terms):
    y = table[[time, event]].set_axis(["time", "event"], axis=1)
    return table[terms].astype(float), y.astype({"event": int})


@pytest.fixture(scope="session")
def rossi():
    from lifelines.datasets import load_rossi

    terms = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    return _split(load_rossi(), "week", "arrest", terms)


@pytest.fixture(scope="session")
def lung():
    from lifelines.datasets import load_lung

    table = load_lung().dropna(subset=["ph.ecog", "wt.loss"])
    table = table.assign(e1=table["ph.ecog"] == 1, e2=table["ph.ecog"] >= 2)
    return _split(table, "time", "status", ["age", "sex", "e1", "e2", "wt.loss"])


@pytest.fixture(scope="session")
def gbsg2():
    from lifelines.datasets import load_gbsg2

    table = load_gbsg2()
    table = table.assign(
        h=table["horTh"] == "yes",
        m=table["menostat"] == "Post",
        g2=table["tgrade"] == "II",
        g3=table["tgrade"] == "III",
    )
    terms = ["h", "age", "m", "tsize", "g2", "g3", "pnodes", "progrec", "estrec"]
    return _split(table, "time", "cens", terms)


@pytest.fixture(scope="session")
def veteran():
    table = pd.read_csv(Path(__file__).parent / "veteran.csv")
    table = table.assign(
        sq=table["celltype"] == "squamous",
        sm=table["celltype"] == "smallcell",
        ad=table["celltype"] == "adeno",
    )
    terms = ["trt", "sq", "sm", "ad", "karno", "age", "prior"]
    return _split(table, "time", "status", terms)
