# Reference values for tests/analysis/test_family.py, made once with R 4.2.2, multcomp, mvtnorm and survey from Debian 12,
# after make_reference.R (it reads scores.csv and two_samples.csv):
#   Rscript make_family.R
# Writes family.csv (name, value).
suppressMessages({library(multcomp); library(mvtnorm); library(survey)})
set.seed(20261130)
out <- list()
put <- function(name, value) out[[name]] <<- as.numeric(value)
scores <- read.csv("scores.csv")
samples <- read.csv("two_samples.csv")

# --- Hommel -----------------------------------------------------------------------------------------------------------
p <- c(0.01, 0.04, 0.03, 0.005, 0.6, 0.03, 0.021, 0.9, 0.012)
for (i in seq_along(p)) put(paste0("hommel_", i), p.adjust(p, "hommel")[i])

# --- critical values of correlated t values --------------------------------------------------------------------------
exact <- GenzBretz(maxpts = 50000, abseps = 1e-4)
for (rho in c(0, 0.3, 0.8)) for (df in c(11, 60)) {
  corr <- matrix(rho, 6, 6); diag(corr) <- 1
  put(paste0("largest_t_", rho, "_", df), qmvt(0.95, tail = "both.tails", df = df, corr = corr, algorithm = exact)$quantile)
}
# three raters of each subject by one multivariate regression: the intervals of multcomp
means <- aggregate(scores[, 2:4] - 3, list(subject = scores$subject), mean)
centred <- as.matrix(means[, 2:4])
covariance <- cov(centred) / nrow(centred)
family <- glht(parm(colMeans(centred), covariance, df = nrow(centred) - 1), linfct = diag(3))
ends <- confint(family, level = 0.95, calpha = adjusted_calpha())$confint
for (i in 1:3) { put(paste0("together_low_", i), ends[i, 2]); put(paste0("together_high_", i), ends[i, 3]) }

# --- Hodges-Lehmann of 40 differences and of 15 -----------------------------------------------------------------------
for (n in c(40, 15)) {
  test <- wilcox.test(samples$a[1:n] - samples$b[1:n], conf.int = TRUE, exact = TRUE)
  put(paste0("hl_", n), test$estimate)
  put(paste0("hl_low_", n), test$conf.int[1]); put(paste0("hl_high_", n), test$conf.int[2])
}

# --- design effect and intraclass correlation of unequal subjects ------------------------------------------------------
long <- data.frame(subject = rep(scores$subject, 3), x = c(scores$r1, scores$r2, scores$r3) - 3)
design <- svydesign(~subject, weights = ~1, data = transform(long, one = 1))
put("design_effect", attr(svymean(~x, design, deff = "replace"), "deff"))
parts <- summary(aov(x ~ factor(subject), long))[[1]][["Mean Sq"]]
size <- table(long$subject)
typical <- (sum(size) - sum(size^2) / sum(size)) / (length(size) - 1)
put("subject_icc", (parts[1] - parts[2]) / (parts[1] + (typical - 1) * parts[2]))

write.csv(data.frame(name = names(out), value = format(unlist(out), digits = 15, trim = TRUE)), "family.csv",
          row.names = FALSE, quote = FALSE)
