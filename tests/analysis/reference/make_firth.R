# Reference values for the penalised cumulative logit, made once with R 4.2.2 and brglm2 0.9 from Debian 12:
#   Rscript make_firth.R
# Reads scores.csv; writes firth.csv (name, value).
# Debian has no penalised cumulative logit, so that one is written out from the papers and maximised by optim.
suppressMessages(library(brglm2))
out <- list()
put <- function(name, value) out[[name]] <<- as.numeric(value)

control <- brglmControl(epsilon = 1e-12, maxit = 1000)

# --- answers ±1 alone are a logistic regression: reader 1 always for the first arm, the others mixed ------------------
scores <- read.csv("scores.csv")
long <- data.frame(subject = rep(scores$subject, 3), reader = rep(1:3, each = 60),
                   right = rep(rep(c(1, -1, -1), 20), 3), x = c(scores$r1, scores$r2, scores$r3) - 3)
long$first <- (long$reader == 1) - (long$reader == 3)
long$second <- (long$reader == 2) - (long$reader == 3)
long$two <- ifelse(long$reader == 1 | long$x > 0, 1, 0)
fit <- glm(two ~ right + first + second, binomial, long, method = "brglmFit", type = "MPL_Jeffreys", control = control)
for (i in 1:4) put(paste0("two_", c("preference", "side", "reader1", "reader2")[i]), coef(fit)[i])

# --- symmetric thresholds: log L + log det(I)/2, I expected, by optim; then without each subject ----------------------
design <- cbind(1, long$right, long$first, long$second)
shares <- function(p, rows, cuts) {
  below <- sapply(cuts(p), function(cut) plogis(cut - rows %*% tail(p, 4)))
  below <- cbind(0, matrix(below, nrow(rows)), 1)
  below[, -1, drop = FALSE] - below[, -ncol(below), drop = FALSE]
}
penalised <- function(p, rows, answer, cuts) {
  share <- shares(p, rows, cuts)
  if (any(share <= 0)) return(-1e10)
  slopes <- sapply(seq_along(p), function(i) {  # by central differences of step 1e-5
    h <- replace(numeric(length(p)), i, 1e-5)
    (shares(p + h, rows, cuts) - shares(p - h, rows, cuts)) / 2e-5
  }, simplify = "array")
  information <- matrix(0, length(p), length(p))
  for (j in seq_len(ncol(share))) information <- information + crossprod(slopes[, j, ] / sqrt(share[, j]))
  sum(log(share[cbind(seq_along(answer), answer)])) + determinant(information)$modulus / 2
}
maximum <- function(start, rows, answer, cuts) {
  for (i in 1:3) start <- optim(start, penalised, rows = rows, answer = answer, cuts = cuts, method = "BFGS",
                                control = list(fnscale = -1, reltol = 1e-15, maxit = 500))$par
  start
}
five <- function(p) c(-p[2], -p[1], p[1], p[2])
three <- function(p) c(-p[1], p[1])
cells <- list(plain = list(x = long$x, cuts = five, shift = 3, start = c(1, 2, 0, 0, 0, 0)),
              separated = list(x = pmin(abs(long$x), 1), cuts = three, shift = 2, start = c(1, 0, 0, 0, 0)))
for (tag in names(cells)) {
  cell <- cells[[tag]]
  p <- maximum(cell$start, design, cell$x + cell$shift, cell$cuts)
  without <- t(sapply(sort(unique(long$subject)), function(one) {
    keep <- long$subject != one
    maximum(p, design[keep, ], (cell$x + cell$shift)[keep], cell$cuts)
  }))
  k <- nrow(without)
  error <- sqrt((k - 1) / k * colSums(sweep(without, 2, colMeans(without))^2))
  at <- length(p) - 3
  put(paste0(tag, "_preference"), p[at]); put(paste0(tag, "_side"), p[at + 1])
  put(paste0(tag, "_threshold"), p[1])
  put(paste0(tag, "_jackknife_preference"), error[at]); put(paste0(tag, "_jackknife_side"), error[at + 1])
}
frame <- data.frame(name = names(out), value = sprintf("%.10g", unlist(out)))
write.csv(frame, "firth.csv", row.names = FALSE, quote = FALSE)
