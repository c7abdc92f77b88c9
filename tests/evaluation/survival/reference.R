# Figures of four data sets with ties, for test_reference.py:
#
#   Rscript tests/evaluation/survival/reference.R DATASETS > tests/evaluation/survival/reference.json
#
# DATASETS is the folder of the CSV files of lifelines.datasets (rossi.csv, gbsg2.csv, lung.csv);
# veteran is that of the package survival. R 4.2.2, survival 3.5-3, riskRegression 2022.11.28,
# Hmisc 4.8-0, jsonlite 1.8.4.
suppressMessages({library(survival); library(riskRegression); library(Hmisc); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
take <- function(time, event, a, b, scale, shape, horizons)
  list(d = data.frame(time = time, event = event, a = a, b = b), scale = scale, shape = shape,
       horizons = horizons)
r <- read.csv(file.path(folder, "rossi.csv"))
g <- read.csv(file.path(folder, "gbsg2.csv"))
l <- read.csv(file.path(folder, "lung.csv"))
l <- l[complete.cases(l[, c("time", "status", "age", "sex", "ph.ecog")]), ]
v <- survival::veteran
sets <- list(
  rossi = take(r$week, r$arrest, -0.06 * (r$age - 25) + 0.09 * (r$prio - 3) - 0.4 * (r$fin - 0.5),
               -0.06 * (r$age - 25), 150, 1.2, c(20, 40)),
  gbsg2 = take(g$time, g$cens, 0.05 * (g$pnodes - 5) - 0.3 * (g$horTh == "yes"),
               0.02 * (g$tsize - 29), 2500, 1.3, c(365, 1095, 1825)),
  lung = take(l$time, l$status - min(l$status),
              0.02 * (l$age - 62) - 0.5 * (l$sex - 1.4) + 0.45 * (l$ph.ecog - 1),
              0.02 * (l$age - 62), 420, 1.3, c(200, 365)),
  veteran = take(v$time, v$status, -0.03 * (v$karno - 60), 0.3 * (v$celltype == "smallcell"), 130,
                 0.9, c(60, 180)))

figures <- function(s) {
  d <- s$d; h <- s$horizons; last <- max(h); y <- Surv(d$time, d$event)
  risk <- function(lp, t) 1 - exp(-(t / s$scale)^s$shape * exp(lp))
  d$fold <- rep(1:5, length.out = nrow(d)); out <- list()
  # concordance
  ca <- concordance(y ~ a, d, reverse = TRUE, influence = 1)
  cb <- concordance(y ~ b, d, reverse = TRUE, influence = 1)
  out$c <- unname(c(ca$concordance, cb$concordance)); out$c_var <- c(ca$var, cb$var)
  out$c_difference_var <- sum((ca$dfbeta - cb$dfbeta)^2)
  uno <- concordance(y ~ a, d, reverse = TRUE, timewt = "n/G2", ymax = last)
  out$uno <- c(uno$concordance, uno$var)
  within <- concordance(y ~ a + strata(fold), d, reverse = TRUE)
  out$within <- c(within$concordance, within$var)
  # riskRegression's Score
  A <- sapply(h, function(t) risk(d$a, t)); B <- sapply(h, function(t) risk(d$b, t))
  sc <- Score(list(a = A, b = B), formula = Surv(time, event) ~ 1, data = d, times = h,
              metrics = c("auc", "brier"), summary = "ipa")
  out$auc <- sc$AUC$score[, .(model, times, AUC, se)]
  out$auc_contrast <- sc$AUC$contrasts[, .(times, delta.AUC, se, p)]
  out$brier <- sc$Brier$score[, .(model, times, Brier, se, IPA)]
  out$brier_contrast <- sc$Brier$contrasts[reference == "a", .(times, delta.Brier, se, p)]
  grid <- sort(unique(d$time[d$event == 1 & d$time <= last]))
  long <- Score(list(a = sapply(grid, function(t) risk(d$a, t))),
                formula = Surv(time, event) ~ 1, data = d, times = grid, metrics = "brier",
                summary = "ibs", se.fit = FALSE)
  out$ibs <- long$Brier$score[times == max(grid), .(model, IBS)]
  # two groups
  d$high <- as.integer(d$a > median(d$a))
  out$logrank <- c(survdiff(y ~ high, d)$chisq, survdiff(y ~ high, d, rho = 1)$chisq)
  km <- survfit(y ~ high, d, conf.type = "log-log")
  out$rmst <- summary(km, rmean = last)$table[, c("rmean", "se(rmean)")]
  at <- summary(km, times = h[1])
  out$at <- cbind(at$surv, at$lower, at$upper)
  m <- coxph(y ~ high, d)
  out$hazard_ratio <- unname(c(coef(m), sqrt(vcov(m)[1, 1])))
  # calibration at the last horizon
  p <- risk(d$a, last); cll <- log(-log(1 - p)); x <- rcspline.eval(cll, nk = 3, inclx = TRUE)
  out$slope <- unname(summary(coxph(y ~ cll))$coefficients[1, c(1, 3)])
  m <- coxph(y ~ x); f <- summary(survfit(m, newdata = list(x = x), conf.type = "log-log"), times = last)
  o <- order(p)[c(1, round(nrow(d) / 2), nrow(d))]
  out$curve <- cbind(p[o], 1 - f$surv[o], 1 - f$upper[o], 1 - f$lower[o])
  out$ici <- mean(abs(1 - c(f$surv) - p))
  k <- summary(survfit(y ~ 1, d, conf.type = "log-log"), times = last)
  out$oe <- (1 - c(k$surv, k$upper, k$lower)) / mean(p)
  H <- (pmin(d$time, last) / s$scale)^s$shape * exp(d$a); early <- d$event * (d$time <= last)
  m <- glm(early ~ offset(log(H)), family = poisson, subset = H > 0,
           control = glm.control(epsilon = 1e-14))
  out$intercept <- unname(c(coef(m), sqrt(vcov(m))))
  # another cause for every third event, in the order of the table
  d$cause <- d$event; seen <- which(d$event == 1); d$cause[seen[seq(3, length(seen), 3)]] <- 2
  aj <- summary(survfit(Surv(time, factor(cause, 0:2)) ~ 1, d), times = h)
  out$incidence <- aj$pstate[, 2:3]; out$incidence_se <- aj$std.err[, 2:3]
  out
}
cat(toJSON(lapply(sets, figures), digits = 12, auto_unbox = TRUE, pretty = FALSE), "\n")
