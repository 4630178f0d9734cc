# The main tables of results a second time, by R's own functions and from the files alone, beside those of numbers/:
#
#   Rscript numbers.R
#
# Base R is enough. Every number that differs by more than a relative 1e-6, every row and every file that is not there,
# or is there alone, is named, and the exit status is then 1. What the rows are of comes from the tables, never from
# numbers/.

source("read.R")

compared <- 0L
wrong <- character()
tables_compared <- character()

# Rows of a table of numbers/ and what was computed here, matched by their keys, column by column.
same <- function(table, keys, own, columns) {
  file <- file.path("numbers", paste0(table, ".csv"))
  tables_compared <<- union(tables_compared, table)
  if (!file.exists(file)) {
    if (NROW(own)) wrong <<- c(wrong, sprintf("numbers/%s.csv is not there, %d rows come out here.", table, NROW(own)))
    return(invisible())
  }
  said <- utils::read.csv(file, check.names = FALSE, encoding = "UTF-8", na.strings = "")
  label <- function(rows) do.call(paste, c(lapply(keys, function(key) as.character(rows[[key]])), sep = " / "))
  at <- match(label(own), label(said))
  for (row in which(is.na(at))) {
    wrong <<- c(wrong, sprintf("numbers/%s.csv, %s: is not there.", table, gsub("NA", "all", label(own)[row])))
  }
  for (row in unique(label(said)[duplicated(label(said))])) {
    wrong <<- c(wrong, sprintf("numbers/%s.csv, %s: is there twice.", table, gsub("NA", "all", row)))
  }
  for (name in columns) {
    here <- own[[name]]
    there <- suppressWarnings(as.numeric(said[[name]][at]))
    if (is.null(said[[name]])) there <- rep(NA_real_, length(here))
    differ <- ifelse(is.na(here) | is.na(there), is.na(here) != is.na(there),
                     abs(here - there) > 1e-6 * pmax(abs(here), abs(there)) + 1e-9)
    compared <<- compared + sum(!is.na(here))
    for (row in which(differ)) {
      wrong <<- c(wrong, sprintf("numbers/%s.csv, %s, %s: %s is there, %s comes out here.", table,
                                 gsub("NA", "all", label(own)[row]), name, format(there[row], digits = 9),
                                 format(here[row], digits = 9)))
    }
  }
  lost <- setdiff(label(said), label(own))
  if (length(lost)) wrong <<- c(wrong, sprintf("numbers/%s.csv, %s: does not come out here.", table, lost))
}

bind <- function(rows) if (length(rows)) do.call(rbind, rows) else NULL

# A Wilcoxon test as published: zeros dropped, normal approximation, ties corrected, no continuity correction.
signed_rank <- function(x) {
  x <- x[x != 0]
  if (!length(x)) return(c(NA, NA))
  test <- suppressWarnings(stats::wilcox.test(x, exact = FALSE, correct = FALSE))
  c(unname(test$statistic), test$p.value)
}

rank_sum_mirror <- function(preference) {
  if (length(unique(c(preference, 6 - preference))) < 2) return(c(NA, NA))
  test <- suppressWarnings(stats::wilcox.test(preference, 6 - preference, exact = FALSE, correct = FALSE))
  c(unname(test$statistic), test$p.value)
}

# Rosner, Glynn and Lee: signed mid-ranks, zeros dropped, summed per subject.
sign_flip <- function(x, subject) {
  kept <- x != 0
  if (!any(kept)) return(c(NA, NA))
  ranks <- rank(abs(x[kept])) * sign(x[kept])
  sums <- tapply(ranks, as.character(subject[kept]), sum)
  if (length(sums) < 2 || sum(sums^2) == 0) return(c(NA, NA))
  z <- sum(sums) / sqrt(sum(sums^2))
  c(z, 2 * stats::pnorm(-abs(z)))
}

# Undefined where one reader gave one score throughout, as correlations are.
kappa <- function(a, b, weights) {
  if (length(unique(a)) < 2 || length(unique(b)) < 2) return(NA)
  distance <- abs(outer(1:5, 1:5, "-"))
  if (weights == "quadratic") distance <- distance^2
  observed <- table(factor(a, 1:5), factor(b, 1:5)) / length(a)
  expected <- outer(rowSums(observed), colSums(observed))
  if (sum(distance * expected) == 0) return(NA)
  1 - sum(distance * observed) / sum(distance * expected)
}

# Every pair of readers over the units that both rated.
reader_pairs <- function(rows, cell, readers) {
  unit <- paste(rows$subject, rows$case, rows$first, rows$second, rows$criterion, sep = "\r", recycle0 = TRUE)
  wide <- tapply(rows$preference, list(unit, factor(as.character(rows$reader), readers)), function(values) values[1])
  found <- list()
  for (one in seq_along(readers)) for (other in seq_along(readers)) if (one < other) {
    both <- wide[, c(readers[one], readers[other]), drop = FALSE]
    both <- both[stats::complete.cases(both), , drop = FALSE]
    a <- both[, 1]
    b <- both[, 2]
    varies <- length(a) > 2 && length(unique(a)) > 1 && length(unique(b)) > 1
    found[[length(found) + 1]] <- data.frame(
      cell, reader_a = readers[one], reader_b = readers[other],
      spearman_estimate = if (varies) stats::cor(a, b, method = "spearman") else NA,
      percent_estimate = if (length(a)) mean(a == b) else NA,
      kappa_linear_estimate = if (length(a)) kappa(a, b, "linear") else NA,
      kappa_quadratic_estimate = if (length(a)) kappa(a, b, "quadratic") else NA
    )
  }
  bind(found)
}

if ("results-reading" %in% analyses) {
  asked <- ratings[ratings$kind == "main", ]
  asked[c("first", "second", "criterion")] <- lapply(asked[c("first", "second", "criterion")], as.character)
  main <- asked[asked$status == "rated", ]
  main$preference <- ifelse(main$first_side == "right", main$score, 6 - main$score)
  planned <- merge(comparisons, data.frame(criterion = names(criteria)))
  cells <- unique(rbind(planned, asked[c("first", "second", "criterion")]))
  everybody <- sort(unique(as.character(asked$reader)))
  everybody <- everybody[order(nchar(everybody), everybody)]
  count <- choose(length(everybody), 2)  # the results list no more pairs of readers than 200 per cell, 1000 overall
  preference <- readers <- pairs <- list()
  for (place in seq_len(nrow(cells))) {
    cell <- cells[place, ]
    rows <- main[main$first == cell$first & main$second == cell$second & main$criterion == cell$criterion, ]
    x <- rows$preference - 3
    published <- signed_rank(x)
    mirror <- rank_sum_mirror(rows$preference)
    flips <- sign_flip(x, rows$subject)
    counts <- tabulate(rows$preference, 5)
    preference[[place]] <- data.frame(
      cell, n1 = counts[1], n2 = counts[2], n3 = counts[3], n4 = counts[4], n5 = counts[5],
      mean_estimate = mean(rows$preference), sd = stats::sd(rows$preference),
      net_preference_estimate = mean(x > 0) - mean(x < 0),
      tests_as_published_statistic = published[1], tests_as_published_p = published[2],
      tests_rank_sum_mirror_p = mirror[2],
      tests_cluster_sign_flip_statistic = flips[1], tests_cluster_sign_flip_p = flips[2]
    )
    for (reader in everybody) {
      own <- rows[rows$reader == reader, ]
      test <- signed_rank(own$preference - 3)
      readers[[length(readers) + 1]] <- data.frame(
        cell, reader = reader, mean_estimate = mean(own$preference),
        as_published_statistic = test[1], as_published_p = test[2]
      )
    }
    if (count <= 200) pairs[[place]] <- reader_pairs(rows, cell, everybody)
  }
  preference <- bind(preference)
  numbers <- setdiff(names(preference), c("first", "second", "criterion"))
  same("preference", c("first", "second", "criterion"), preference, numbers)
  same("preference-readers", c("first", "second", "criterion", "reader"), bind(readers),
       c("mean_estimate", "as_published_statistic", "as_published_p"))
  all_cells <- data.frame(first = NA, second = NA, criterion = NA)
  same("agreement-pairs", c("first", "second", "criterion", "reader_a", "reader_b"),
       rbind(if (count <= 1000) reader_pairs(main, all_cells, everybody), bind(pairs)),
       c("spearman_estimate", "percent_estimate", "kappa_linear_estimate", "kappa_quadratic_estimate"))

  # Adjusted p of the published test, in the family that the results name: where they have an adjusted p.
  inside <- character()
  if (file.exists("numbers/preference.csv")) {
    said <- utils::read.csv("numbers/preference.csv", check.names = FALSE, encoding = "UTF-8", na.strings = "")
    inside <- paste(said$first, said$second, said$criterion)[!is.na(said$p_holm_as_published)]
  }
  family <- preference[paste(preference$first, preference$second, preference$criterion) %in% inside, ]
  family$p_holm_as_published <- stats::p.adjust(family$tests_as_published_p, "holm")
  family$p_bh_as_published <- stats::p.adjust(family$tests_as_published_p, "BH")
  whole <- merge(preference[c("first", "second", "criterion")], family, all.x = TRUE)
  same("preference", c("first", "second", "criterion"), whole, c("p_holm_as_published", "p_bh_as_published"))
}

number <- function(x) if (length(x)) unname(x) else NA_real_
spread <- function(x) if (length(x) > 1) stats::sd(x) else NA_real_
quarter <- function(x, at) if (length(x)) stats::quantile(x, at, names = FALSE) else NA_real_

# x - y, 0 where only rounding sets them apart.
minus <- function(x, y) ifelse(abs(x - y) <= 1e-12 * pmax(abs(x), abs(y)), 0, x - y)

summary_of <- function(x) {
  x <- x[!is.na(x)]
  data.frame(n = length(x), mean = if (length(x)) mean(x) else NA, sd = spread(x), median = quarter(x, 0.5),
             q1 = quarter(x, 0.25), q3 = quarter(x, 0.75))
}

paired_t <- function(x, y) {
  difference <- minus(x, y)
  difference <- difference[!is.na(difference)]
  if (length(difference) < 2 || stats::sd(difference) == 0) return(c(NA, NA))
  test <- stats::t.test(difference)
  c(unname(test$statistic), test$p.value)
}

if ("results-images" %in% analyses) {
  whole <- metrics[is.na(metrics$slice), ]
  whole$registered <- !is.na(whole$registered) & whole$registered
  whole$unit <- paste(whole$subject, whole$case, sep = "/")
  keys <- c("reference", "test", "metric", "region", "registered")
  groups <- unique(whole[keys])
  rows_of <- function(group) {
    rows <- merge(whole, group, by = keys)
    rows <- rows[!is.na(rows$value), ]
    stats::setNames(rows$value, rows$unit)
  }
  values <- lapply(seq_len(nrow(groups)), function(place) rows_of(groups[place, ]))
  summaries <- cbind(groups, bind(lapply(values, summary_of)))
  same("images", keys, transform(summaries, registered = ifelse(registered, "true", "false")),
       c("n", "mean", "sd", "median", "q1", "q3"))
  tests <- list()
  for (one in seq_along(values)) for (other in seq_along(values)) {
    kind <- c("metric", "region", "registered")
    if (one < other && identical(unlist(lapply(groups[one, kind], as.character)),
                                 unlist(lapply(groups[other, kind], as.character)))) {
      shared <- intersect(names(values[[one]]), names(values[[other]]))
      test <- signed_rank(minus(values[[one]][shared], values[[other]][shared]))
      name <- function(place) paste(groups$reference[place], "vs", groups$test[place])
      tests[[length(tests) + 1]] <- data.frame(
        groups[one, c("metric", "region")], registered = ifelse(groups$registered[one], "true", "false"),
        a = name(one), b = name(other), test_statistic = test[1], test_p = test[2]
      )
    }
  }
  same("images-paired", c("metric", "region", "registered", "a", "b"), bind(tests), c("test_statistic", "test_p"))
}

# Volumes of interest in two arms, side by side.
beside <- function(rows, a, b) {
  unit <- paste(rows$subject, rows$case, rows$roi, sep = "\r")
  units <- unique(unit)
  of <- function(arm) rows$value[rows$arm == arm][match(units, unit[rows$arm == arm])]
  list(of(a), of(b))
}

if ("results-volumes" %in% analyses) {
  voi$arm <- as.character(voi$arm)
  arms <- unique(voi$arm)
  from <- reference[["results-volumes"]]
  alone <- c("mean", "cv", "entropy")  # the others compare an arm with the reference
  pair_of <- function(a, b) data.frame(a = a, b = b)
  others <- setdiff(arms, from)
  if (!nrow(volume_pairs) && length(others) > 1) volume_pairs <- bind(utils::combn(others, 2, function(two) {
    pair_of(two[2], two[1])
  }, simplify = FALSE))
  each <- pairs <- list()
  for (measure in unique(as.character(voi$measure))) {
    rows <- voi[as.character(voi$measure) == measure, ]
    for (arm in if (measure %in% alone) arms else others) {
      each[[length(each) + 1]] <- data.frame(measure, arm, summary_of(rows$value[rows$arm == arm]))
    }
    tested <- rbind(volume_pairs, if (measure %in% alone && length(others)) pair_of(others, from))
    for (place in seq_len(nrow(tested))) {
      pair <- beside(rows, tested$a[place], tested$b[place])
      t <- paired_t(pair[[1]], pair[[2]])
      rank <- signed_rank(stats::na.omit(minus(pair[[1]], pair[[2]])))
      pairs[[length(pairs) + 1]] <- data.frame(measure, tested[place, ], paired_t_statistic = t[1], paired_t_p = t[2],
                                               wilcoxon_statistic = rank[1], wilcoxon_p = rank[2])
    }
  }
  same("volumes", c("measure", "arm"), bind(each), c("n", "mean", "sd", "median", "q1", "q3"))
  same("volumes-paired", c("measure", "a", "b"), bind(pairs),
       c("paired_t_statistic", "paired_t_p", "wilcoxon_statistic", "wilcoxon_p"))
}

if ("results-stability" %in% analyses) {
  from <- reference[["results-stability"]]
  plain <- is.na(features$image_type) | features$image_type == "original"
  features$name <- ifelse(plain, as.character(features$feature), paste(features$image_type, features$feature, sep = "_"))
  by_feature <- split(features, features$name)
  groups <- expand.grid(arm = setdiff(unique(as.character(features$arm)), from), feature = names(by_feature),
                        stringsAsFactors = FALSE)
  found <- lapply(seq_len(nrow(groups)), function(place) {
    pair <- beside(by_feature[[groups$feature[place]]], groups$arm[place], from)
    both <- !is.na(pair[[1]]) & !is.na(pair[[2]])
    x <- pair[[1]][both]
    y <- pair[[2]][both]
    n <- length(x)
    t <- paired_t(x, y)
    moments <- function(a, b) mean((a - mean(a)) * (b - mean(b)))
    below <- moments(x, x) + moments(y, y) + (mean(x) - mean(y))^2
    rank <- signed_rank(minus(x, y))
    data.frame(groups[place, ], paired_t_statistic = t[1], paired_t_p = t[2],
               wilcoxon_statistic = rank[1], wilcoxon_p = rank[2],
               pearson_estimate = if (n > 2 && stats::sd(x) > 0 && stats::sd(y) > 0) stats::cor(x, y) else NA,
               ccc_estimate = if (n > 1 && below > 0) 2 * moments(x, y) / below else NA)
  })
  same("stability", c("arm", "feature"), bind(found),
       c("paired_t_statistic", "paired_t_p", "wilcoxon_statistic", "wilcoxon_p", "pearson_estimate", "ccc_estimate"))
}

if ("results-scan-times" %in% analyses) {
  from <- reference[["results-scan-times"]]
  acquired <- series[is.na(series$made_from), ]
  acquired$acquisition_seconds[!is.na(acquired$simulated)] <- NA
  case <- as.character(acquired$case)
  subject <- paste0(acquired$subject, "-")
  coded <- startsWith(case, subject)
  code <- ifelse(coded, substring(case, nchar(subject) + 1), NA)
  code <- ifelse(grepl("-.*-", code), code, "other")
  groups <- expand.grid(protocol = c(if (any(code != "other")) unique(code), "all"),
                        test = setdiff(unique(as.character(acquired$arm)), from), stringsAsFactors = FALSE)
  found <- lapply(seq_len(nrow(groups)), function(place) {
    rows <- acquired[groups$protocol[place] == "all" | code == groups$protocol[place], ]
    wide <- tapply(rows$acquisition_seconds, list(paste(rows$subject, rows$case), as.character(rows$arm)),
                   function(values) mean(values, na.rm = TRUE))
    of <- function(arm) if (arm %in% colnames(wide)) wide[, arm] else rep(NA_real_, nrow(wide))
    x <- of(from)
    y <- of(groups$test[place])
    both <- is.finite(x) & is.finite(y)
    x <- x[both]
    y <- y[both]
    data.frame(groups[place, ], cases = length(x),
               mean_reference = if (length(x)) mean(x) else NA, sd_reference = spread(x),
               mean_test = if (length(y)) mean(y) else NA, sd_test = spread(y),
               saved_estimate = if (length(x)) mean(x - y) else NA,
               saved_percent_estimate = if (length(x) && sum(x) > 0) 100 * (1 - sum(y) / sum(x)) else NA)
  })
  same("scan-times", c("protocol", "test"), bind(found),
       c("cases", "mean_reference", "sd_reference", "mean_test", "sd_test", "saved_estimate", "saved_percent_estimate"))
}

# A table that R would make, of an analysis that is not there.
here <- c("preference", "preference-readers", "agreement-pairs", "images", "images-paired", "volumes",
          "volumes-paired", "stability", "scan-times")
for (table in setdiff(here, tables_compared)) {
  if (file.exists(file.path("numbers", paste0(table, ".csv")))) {
    wrong <- c(wrong, sprintf("numbers/%s.csv: was not expected.", table))
  }
}

cat(sprintf("%d numbers compared by R %s, %d differ.\n", compared, getRversion(), length(wrong)))
if (length(wrong)) {
  cat(utils::head(wrong, 40), sep = "\n")
  quit(status = 1)
}
