# One-sided p values for tests/analysis/test_direction.py, made once with R 4.2.2, after make_reference.R (it reads
# scores.csv and two_samples.csv):
#   Rscript make_direction.R
# Writes direction.csv (name, value).
out <- list()
put <- function(name, value) out[[name]] <<- as.numeric(value)
scores <- read.csv("scores.csv")
samples <- read.csv("two_samples.csv")
x <- scores$r1 - 3
y <- scores$r2 - 3
for (side in c("greater", "less")) {
  for (correct in c(FALSE, TRUE)) {
    tag <- paste0(side, if (correct) "_corrected" else "")
    put(paste0("signed_rank_", tag), wilcox.test(x, exact = FALSE, correct = correct, alternative = side)$p.value)
    put(paste0("rank_sum_", tag), wilcox.test(x, y, exact = FALSE, correct = correct, alternative = side)$p.value)
  }
  put(paste0("exact_", side), wilcox.test(samples$a - samples$b, exact = TRUE, alternative = side)$p.value)
  put(paste0("paired_t_", side), t.test(samples$a, samples$b, paired = TRUE, alternative = side)$p.value)
  put(paste0("pearson_", side), cor.test(samples$a, samples$b, alternative = side)$p.value)
  put(paste0("spearman_", side), cor.test(samples$a[1:12], samples$b[1:12], alternative = side, method = "spearman",
                                         exact = FALSE)$p.value)
  put(paste0("binomial_", side), binom.test(14, 45, alternative = side)$p.value)
}
write.csv(data.frame(name = names(out), value = format(unlist(out), digits = 15, trim = TRUE)), "direction.csv",
          row.names = FALSE, quote = FALSE)
