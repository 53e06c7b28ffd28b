# Usage: Rscript make_pool.R TARGET. Pooled estimates by mice::pool.scalar, for pool_expected.csv.
suppressMessages(library(mice))
target <- commandArgs(TRUE)[1]
cases <- list(
  few = list(q = c(-0.012, -0.009, -0.015, -0.011, -0.010), se = c(0.008, 0.0085, 0.0079, 0.0081, 0.0083), df = 3.7),
  many = list(q = c(0.31, 0.28, 0.36, 0.30, 0.33, 0.29, 0.27, 0.35), se = rep(0.04, 8), df = 210),
  without_end = list(q = c(1.2, 0.7, 1.9), se = c(0.5, 0.6, 0.4), df = Inf))
rows <- do.call(rbind, lapply(names(cases), function(name) {
  x <- cases[[name]]; p <- pool.scalar(x$q, x$se^2, n = x$df + 1, k = 1)
  data.frame(case = name, estimates = paste(x$q, collapse = " "), std_errors = paste(x$se, collapse = " "),
             df_complete = x$df, estimate = p$qbar, std_error = sqrt(p$t), df = p$df, missing_information = p$fmi,
             source = paste("mice", packageVersion("mice"), R.version.string)) }))
write.csv(format(rows, digits = 15, trim = TRUE), file.path(target, "pool_expected.csv"), row.names = FALSE, quote = FALSE)
