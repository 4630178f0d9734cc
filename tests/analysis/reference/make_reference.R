# Reference values for tests/analysis, made once with R 4.2.2, coin, epiR, MASS, psych, sandwich and vcd from Debian 12:
#   Rscript make_reference.R
# Writes scores.csv (made-up Likert scores of clustered pairs), two_samples.csv, davidson.csv (made-up counts) and
# reference.csv (name, value).
# The clustered tests, for which Debian carries no package, are written out from the papers.
suppressMessages({library(coin); library(epiR); library(MASS); library(psych); library(sandwich); library(vcd)})
set.seed(20261121)

out <- list()
put <- function(name, value) out[[name]] <<- as.numeric(value)

# --- scores: 60 cases of 25 subjects, 3 raters, preferences 1..5 with many 3s --------------------------------------
subject <- c(1:25, sample(1:25, 35, replace = TRUE))
effect <- rnorm(25, 0.25, 0.5)[subject]
rate <- function(shift) pmin(5, pmax(1, round(3 + effect + shift + rnorm(60, 0, 0.7))))
scores <- data.frame(subject = subject, r1 = rate(0), r2 = rate(0.2), r3 = rate(-0.1))
write.csv(scores, "scores.csv", row.names = FALSE, quote = FALSE)
x <- scores$r1 - 3
y <- scores$r2 - 3

# --- signed rank and rank sum --------------------------------------------------------------------------------------
for (correct in c(FALSE, TRUE)) {
  tag <- if (correct) "corrected" else "plain"
  test <- suppressWarnings(wilcox.test(x, exact = FALSE, correct = correct))
  put(paste0("signed_rank_V_", tag), test$statistic); put(paste0("signed_rank_p_", tag), test$p.value)
  test <- suppressWarnings(wilcox.test(x, y, exact = FALSE, correct = correct))
  put(paste0("rank_sum_W_", tag), test$statistic); put(paste0("rank_sum_p_", tag), test$p.value)
}
null <- rep(0, length(x))
put("pratt_p", pvalue(wilcoxsign_test(x ~ null, zero.method = "Pratt", distribution = "asymptotic")))
put("pratt_exact_p", pvalue(wilcoxsign_test(x ~ null, zero.method = "Pratt", distribution = "exact")))
put("wilcox_exact_p", pvalue(wilcoxsign_test(x ~ null, zero.method = "Wilcoxon", distribution = "exact")))

# --- clustered signed rank: Rosner, Glynn & Lee 2006; Datta & Satten 2008 -------------------------------------------
keep <- x != 0
signed <- sign(x[keep]) * rank(abs(x[keep]))
S <- tapply(signed, subject[keep], sum)
z <- sum(S) / sqrt(sum(S^2))
put("rgl_z", z); put("rgl_p", 2 * pnorm(-abs(z)))
few <- subject <= 10
signed <- sign(x[keep & few]) * rank(abs(x[keep & few]))
S <- tapply(signed, subject[keep & few], sum)
flips <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(S))))
put("rgl_few_exact_p", mean(abs(flips %*% S) >= abs(sum(S)) - 1e-9))

clusters <- split(x, subject)
H <- function(v, one) (sum(abs(one) <= v) + sum(abs(one) < v)) / (2 * length(one))
T <- V <- 0
m <- length(clusters)
for (i in seq_along(clusters)) {
  one <- clusters[[i]]
  first <- second <- third <- 0
  for (v in one) {
    first <- first + sign(v)
    second <- second + sign(v) * sum(sapply(clusters[-i], function(other) H(abs(v), other)))
    third <- third + sign(v) * H(abs(v), x)
  }
  T <- T + (first + second) / length(one)
  V <- V + ((first + (m - 1) * third) / length(one))^2
}
put("datta_satten_z", T / sqrt(V)); put("datta_satten_p", 2 * pnorm(-abs(T / sqrt(V))))

# --- correlation and reliability ------------------------------------------------------------------------------------
put("spearman_rho", cor(scores$r1, scores$r2, method = "spearman"))
put("spearman_p", suppressWarnings(cor.test(scores$r1, scores$r2, method = "spearman", exact = FALSE)$p.value))
friedman <- friedman.test(as.matrix(scores[, 2:4])[, ] |> t())  # blocks = raters, treatments = cases
put("kendall_chi2", friedman$statistic); put("kendall_p", friedman$p.value)
put("kendall_w", friedman$statistic / (3 * 59))
forms <- suppressMessages(suppressWarnings(ICC(scores[, 2:4], lmer = FALSE)$results))
for (i in 1:6) {
  name <- c("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")[i]
  put(name, forms$ICC[i]); put(paste0(name, "_F"), forms$F[i]); put(paste0(name, "_p"), forms$p[i])
  put(paste0(name, "_low"), forms[i, "lower bound"]); put(paste0(name, "_high"), forms[i, "upper bound"])
}
both <- table(factor(scores$r1, 1:5), factor(scores$r2, 1:5))
for (kind in c("Equal-Spacing", "Fleiss-Cohen")) {
  kappa <- Kappa(both, weights = kind)
  tag <- if (kind == "Equal-Spacing") "linear" else "quadratic"
  put(paste0("kappa_", tag), kappa$Weighted["value"]); put(paste0("kappa_se_", tag), kappa$Weighted["ASE"])
}

# --- two continuous samples ------------------------------------------------------------------------------------------
a <- round(rnorm(40, 100, 15), 3)
b <- round(0.8 * a + rnorm(40, 18, 8), 3)
write.csv(data.frame(a = a, b = b), "two_samples.csv", row.names = FALSE, quote = FALSE)
ccc <- epi.ccc(a, b, ci = "z-transform", conf.level = 0.95)$rho.c
put("ccc", ccc$est); put("ccc_low", ccc$lower); put("ccc_high", ccc$upper)
paired <- t.test(a, b, paired = TRUE)
put("paired_t", paired$statistic); put("paired_t_p", paired$p.value)
put("paired_t_low", paired$conf.int[1]); put("paired_t_high", paired$conf.int[2])
pearson <- cor.test(a, b)
put("pearson", pearson$estimate); put("pearson_p", pearson$p.value)
put("pearson_low", pearson$conf.int[1]); put("pearson_high", pearson$conf.int[2])
for (type in 6:7) {
  q <- quantile(a, c(0.25, 0.75), type = type, names = FALSE)
  put(paste0("qcd_type", type), (q[2] - q[1]) / (q[2] + q[1]))
}
put("cv", sd(a) / mean(a))

# --- Davidson's model as a log-linear model: three arms, both places of the first arm -----------------------------------
pairs <- data.frame(first = c(1, 3, 3), second = c(2, 1, 2))
cells <- expand.grid(outcome = c("first", "tie", "second"), pair = 1:3, right = c(TRUE, FALSE))
cells$count <- c(90, 70, 20, 60, 110, 30, 120, 60, 10, 80, 75, 28, 50, 105, 36, 112, 66, 14)
for (arm in 2:3) {
  wins <- with(cells, (pairs$first[pair] == arm) * (outcome == "first") + (pairs$second[pair] == arm) * (outcome == "second"))
  tied <- with(cells, (pairs$first[pair] == arm) + (pairs$second[pair] == arm)) * (cells$outcome == "tie") / 2
  cells[[paste0("worth", arm)]] <- wins + tied
}
cells$tie <- as.numeric(cells$outcome == "tie")
cells$side <- with(cells, ifelse(outcome == "tie", 0.5, as.numeric((outcome == "first") == right)))
cells$first <- pairs$first[cells$pair]; cells$second <- pairs$second[cells$pair]
write.csv(cells[, c("first", "second", "outcome", "right", "count")], "davidson.csv", row.names = FALSE, quote = FALSE)
fit <- summary(glm(count ~ interaction(pair, right) + worth2 + worth3 + tie + side, poisson, cells))$coefficients
for (name in c("worth2", "worth3", "tie", "side")) {
  put(paste0("davidson_", name), fit[name, "Estimate"]); put(paste0("davidson_se_", name), fit[name, "Std. Error"])
}

# --- equivalence, counts, multiplicity -------------------------------------------------------------------------------
means <- tapply(x, subject, mean)
put("tost_p", max(t.test(means, mu = -0.5, alternative = "greater")$p.value,
                  t.test(means, mu = 0.5, alternative = "less")$p.value))
ci <- t.test(means, conf.level = 0.9)$conf.int
put("tost_low", ci[1]); put("tost_high", ci[2])
put("noninferiority_p", t.test(means, mu = -0.1, alternative = "greater")$p.value)
put("binomial_p", binom.test(14, 45)$p.value)
put("clopper_low", binom.test(14, 45)$conf.int[1]); put("clopper_high", binom.test(14, 45)$conf.int[2])
put("clopper_none_high", binom.test(0, 666)$conf.int[2])
p <- c(0.01, 0.04, 0.03, 0.005, 0.6, 0.03)
for (i in 1:6) { put(paste0("holm_", i), p.adjust(p, "holm")[i]); put(paste0("bh_", i), p.adjust(p, "BH")[i]) }

# --- cumulative logit with symmetric thresholds ------------------------------------------------------------------------
# Every answer is entered with its mirror image (answer and covariates times −1): polr's thresholds are then symmetric, and
# scores and information are twice those of the constrained model, which cancels in the sandwich.
long <- data.frame(subject = rep(scores$subject, 3), reader = rep(1:3, each = 60),
                   right = rep(rep(c(1, -1, -1), 20), 3), x = c(scores$r1, scores$r2, scores$r3) - 3)
long$first <- (long$reader == 1) - (long$reader == 3)
long$second <- (long$reader == 2) - (long$reader == 3)
both <- rbind(cbind(long, sign = 1), cbind(long, sign = -1))
both$answer <- factor(both$sign * both$x, levels = -2:2)
fit <- polr(answer ~ I(sign) + I(sign * right) + I(sign * first) + I(sign * second), both, Hess = TRUE,
            control = list(reltol = 1e-14))
robust <- vcovCL(fit, cluster = both$subject)
for (i in 1:4) {
  name <- c("preference", "side", "reader1", "reader2")[i]
  put(paste0("ordinal_", name), coef(fit)[i]); put(paste0("ordinal_se_", name), sqrt(robust[i, i]))
}
put("ordinal_threshold1", (fit$zeta[3] - fit$zeta[2]) / 2); put("ordinal_threshold2", (fit$zeta[4] - fit$zeta[1]) / 2)
wald <- coef(fit)[3:4] %*% solve(robust[3:4, 3:4]) %*% coef(fit)[3:4]
f <- wald / 2 * 23 / 24
put("ordinal_readers_F", f); put("ordinal_readers_p", pf(f, 2, 23, lower.tail = FALSE))

# --- interaction with a subgroup: cell means by lm, clustered Wald test ------------------------------------------------
long$level <- factor(long$subject %% 3)
means <- lm(x ~ level, long)
robust <- vcovCL(means, cluster = long$subject, type = "HC0")
wald <- coef(means)[-1] %*% solve(robust[-1, -1]) %*% coef(means)[-1] / 2
put("interaction_F", wald); put("interaction_p", pf(wald, 2, 25 - 3, lower.tail = FALSE))

# --- random readers: two-way analysis of variance with both factors random, one case of each of 25 subjects ----------
once <- data.frame(y = unlist(scores[1:25, 2:4]), subject = factor(rep(1:25, 3)), reader = factor(rep(1:3, each = 25)))
squares <- anova(lm(y ~ subject + reader, once))[["Mean Sq"]]
variance <- (squares[2] + max(squares[1] - squares[3], 0)) / 75
degrees <- (squares[2] + max(squares[1] - squares[3], 0))^2 / (squares[2]^2 / 2)
put("random_mean", mean(once$y)); put("random_se", sqrt(variance)); put("random_df", degrees)

# --- limits of agreement with several pairs per subject: analysis of variance of Bland & Altman 2007, table 1 ---------
ejection <- read.csv("ejection.csv")
ejection$difference <- ejection$rv - ejection$ic
squares <- anova(lm(difference ~ factor(subject), ejection))[["Mean Sq"]]
m <- table(ejection$subject)
typical <- (sum(m)^2 - sum(m^2)) / ((length(m) - 1) * sum(m))
put("ejection_bias", mean(ejection$difference))
put("ejection_between", (squares[1] - squares[2]) / typical); put("ejection_within", squares[2])

frame <- data.frame(name = names(out), value = sprintf("%.15g", unlist(out)))
write.csv(frame, "reference.csv", row.names = FALSE, quote = FALSE)
