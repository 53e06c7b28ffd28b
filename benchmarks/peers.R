# Peers of the benchmarks in R: Rscript peers.R PEER TABLE.csv NUMBERS.csv
# Writes name,value with the seconds of the fit alone. Code 3: a package is not installed.
arguments <- commandArgs(TRUE)
need <- function(...) for (name in c(...)) {
  if (!requireNamespace(name, quietly = TRUE)) quit(status = 3)
  suppressMessages(library(name, character.only = TRUE))
}
clock <- function(work) {  # processor seconds: user and system
  start <- proc.time(); value <- work(); list(value, sum((proc.time() - start)[1:2]))
}
factors <- function(table) {
  for (name in c("authority", "period", "age", "sex", "ethnicity", "previous_plans"))
    if (name %in% names(table)) table[[name]] <- factor(table[[name]])
  table
}
children <- looked_after ~ exposed + period + age + sex + ethnicity + disabled + previous_plans + uasc
bobyqa <- function() glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 2e5))

glmer_by <- function(table, points) {
  need("lme4")
  found <- clock(function() glmer(update(children, . ~ . + (1 | authority)), factors(table), binomial,
                                  nAGQ = points, control = bobyqa()))
  fit <- found[[1]]
  c(seconds = found[[2]], exposed = fixef(fit)[["exposed"]], error = sqrt(vcov(fit)["exposed", "exposed"]),
    deviation = attr(VarCorr(fit)$authority, "stddev")[[1]], log_likelihood = as.numeric(logLik(fit)))
}

peers <- list(
  mixed_logit = function(table) glmer_by(table, 1),
  mixed_logit_quadrature = function(table) glmer_by(table, 15),
  fixed_effects_logit_cr2 = function(table) {
    need("clubSandwich")
    table <- factors(table)
    found <- clock(function() {
      fit <- glm(update(children, . ~ . + authority), binomial, table, control = list(epsilon = 1e-12, maxit = 50))
      coef_test(fit, vcov = vcovCR(fit, cluster = table$authority, type = "CR2"), test = "Satterthwaite",
                coefs = "exposed")
    })
    c(seconds = found[[2]], exposed = found[[1]]$beta, error = found[[1]]$SE, df = found[[1]]$df_Satt,
      p_value = found[[1]]$p_Satt)
  },
  hussey_hughes = function(table) {
    need("lme4")
    found <- clock(function() lmer(y ~ exposed + factor(period) + (1 | cluster), table))
    fit <- found[[1]]
    parts <- as.data.frame(VarCorr(fit))$vcov
    c(seconds = found[[2]], exposed = fixef(fit)[["exposed"]], error = sqrt(vcov(fit)["exposed", "exposed"]),
      authority_variance = parts[1], residual_variance = parts[2])
  },
  hussey_hughes_cells = function(table) {
    need("lme4")
    found <- clock(function() lmer(y ~ exposed + factor(period) + (1 | cluster) + (1 | cluster:period), table))
    fit <- found[[1]]
    c(seconds = found[[2]], exposed = fixef(fit)[["exposed"]], error = sqrt(vcov(fit)["exposed", "exposed"]))
  },
  imputation = function(table) {
    need("mice", "nnet")  # nnet: its models of more than two levels
    table[table == ""] <- NA
    table <- factors(table)
    found <- clock(function() mice(table, m = 1, maxit = 5, printFlag = FALSE))
    c(seconds = found[[2]])
  }
)

numbers <- peers[[arguments[1]]](read.csv(arguments[2]))
write.csv(data.frame(name = names(numbers), value = format(numbers, digits = 15, trim = TRUE)), arguments[3],
          row.names = FALSE, quote = FALSE)
