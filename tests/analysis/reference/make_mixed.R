# Ten small data sets and what ordinal::clmm makes of them, once with R 4.2.2 and ordinal 2022.11-16 from Debian 12:
#   Rscript make_mixed.R
# Writes mixed.csv (set, subject, reader, side, answer) and clmm.csv (set, name, value). All optima are interior.
suppressMessages(library(ordinal))
set.seed(20261130)

# categories; numbers of subjects, cases and readers; SDs of subjects and readers; preference; half the neutral band
designs <- read.table(header = TRUE, text = "
  thresholds categories subjects cases readers subject reader preference neutral
  symmetric  5          20       36    3       1.0     0.6    0.5        1.0
  symmetric  5          30       30    4       1.4     0.5    -0.4       1.6
  symmetric  3          25       40    3       0.9     0.7    0.8        1.2
  symmetric  4          16       32    3       1.2     0.8    0.2        0.0
  flexible   5          24       36    3       0.8     0.9    0.6        0.8
  flexible   4          18       30    5       1.1     0.6    0.3        0.7
  flexible   3          30       36    3       1.5     0.6    -0.6       1.0
  symmetric  5          22       66    1       1.0     0.0    0.4        1.1
  flexible   4          15       60    1       1.3     0.0    0.2        0.6
  symmetric  5          1        20    6       0.0     0.9    0.5        1.0")

data <- out <- list()
for (set in seq_len(nrow(designs))) {
  d <- designs[set, ]
  repeat {
    owner <- c(seq_len(d$subjects), sample(d$subjects, d$cases - d$subjects, replace = TRUE))
    rows <- expand.grid(reader = seq_len(d$readers), case = seq_len(d$cases))
    frame <- data.frame(set = set, subject = owner[rows$case], reader = rows$reader,
                        side = sample(c(-1, 1), nrow(rows), replace = TRUE))
    location <- d$preference + 0.3 * frame$side + rnorm(d$subjects, 0, d$subject)[frame$subject] +
      rnorm(d$readers, 0, d$reader)[frame$reader] + rlogis(nrow(frame))
    cuts <- list(NULL, NULL, c(-1, 1) * d$neutral, c(-1.5, 0, 1.5), c(-1.5 - d$neutral, -d$neutral, d$neutral, 1.5 + d$neutral))
    frame$answer <- findInterval(location, cuts[[d$categories]]) + 1
    if (length(unique(frame$answer)) < d$categories) next
    random <- c(if (d$subjects > 1) "(1 | subject)", if (d$readers > 1) "(1 | reader)")
    formula <- as.formula(paste("factor(answer) ~ side +", paste(random, collapse = " + ")))
    one <- length(random) == 1
    fit <- clmm(formula, data = transform(frame, subject = factor(subject), reader = factor(reader)),
                threshold = as.character(d$thresholds), nAGQ = if (one) 15 else 1,
                control = clmm.control(gradTol = 1e-7, maxIter = 500, innerCtrl = "noWarn"))
    sds <- sapply(VarCorr(fit), function(v) sqrt(v[1, 1]))
    if (isTRUE(all(sds > 0.3) && all(is.finite(sqrt(diag(vcov(fit))))))) break
  }
  data[[set]] <- frame
  errors <- sqrt(diag(vcov(fit)))
  values <- c(setNames(as.numeric(fit$Theta), paste0("cut", seq_along(fit$Theta))), side = unname(fit$beta),
              se_side = unname(errors["side"]), setNames(sds, paste0("sd_", names(sds))),
              log_likelihood = as.numeric(logLik(fit)))
  out[[set]] <- data.frame(set = set, thresholds = d$thresholds, name = names(values), value = sprintf("%.9g", values))
}
write.csv(do.call(rbind, data), "mixed.csv", row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, out), "clmm.csv", row.names = FALSE, quote = FALSE)
