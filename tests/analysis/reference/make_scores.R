# Reference values for tests/analysis/test_scores.py, made once with R 4.2.2 and lme4 from Debian 12, after
# make_reference.R (it reads scores.csv and davidson.csv):
#   Rscript make_scores.R
# Writes components.csv (made-up scores of 30 cases × 4 readers × 3 conditions) and scores_reference.csv (name, value).
suppressMessages(library(lme4))
set.seed(20261201)
out <- list()
put <- function(name, value) out[[name]] <<- as.numeric(value)

# --- variance components: REML of balanced data is the analysis of variance where all components are positive --------
long <- expand.grid(case = 1:30, reader = 1:4, condition = 1:3)
effect <- function(sd, ...) { key <- interaction(..., drop = TRUE); rnorm(nlevels(key), 0, sd)[as.integer(key)] }
long$score <- round(with(long, 3 + 0.3 * condition + effect(0.5, reader) + effect(0.8, case) +
  effect(0.4, reader, case) + effect(0.3, condition, reader) + effect(0.4, condition, case) + rnorm(nrow(long), 0, 0.6)), 3)
write.csv(long, "components.csv", row.names = FALSE, quote = FALSE)
exactly <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
fit <- lmer(score ~ factor(condition) + (1 | reader) + (1 | case) + (1 | reader:case) + (1 | condition:reader) +
            (1 | condition:case), long, control = exactly)
parts <- as.data.frame(VarCorr(fit))
for (i in seq_len(nrow(parts))) put(paste0("components_", gsub(":", "_", tolower(parts$grp[i]))), parts$vcov[i])
one <- lmer(score ~ 1 + (1 | reader) + (1 | case), long[long$condition == 1, ], control = exactly)
parts <- as.data.frame(VarCorr(one))
for (i in seq_len(nrow(parts))) put(paste0("one_", tolower(parts$grp[i])), parts$vcov[i])

# --- Bradley and Terry with a side: the counts of davidson.csv without their ties --------------------------------------
counts <- read.csv("davidson.csv")
decided <- counts[counts$outcome != "tie", ]
for (arm in 2:3) decided[[paste0("worth", arm)]] <- (decided$first == arm) - (decided$second == arm)
decided$side <- ifelse(decided$right, 1, -1)
fit <- glm(outcome == "first" ~ 0 + worth2 + worth3 + side, binomial, decided, weights = count)
for (name in c("worth2", "worth3", "side")) {
  put(paste0("bradley_", name), coef(fit)[name]); put(paste0("bradley_se_", name), sqrt(vcov(fit)[name, name]))
}

write.csv(data.frame(name = names(out), value = format(unlist(out), digits = 15, trim = TRUE)), "scores_reference.csv",
          row.names = FALSE, quote = FALSE)
