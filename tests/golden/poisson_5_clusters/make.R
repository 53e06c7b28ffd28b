# Usage: Rscript make.R <outdir>. Poisson and quasi-binomial models with CR2: rows and reference numbers.
suppressMessages(library(clubSandwich))
out <- commandArgs(TRUE)[1]; dir.create(out, showWarnings=FALSE, recursive=TRUE); set.seed(20241)
n <- c(90, 160, 60, 75, 85); authority <- rep(c("a","b","c","d","e"), n); N <- sum(n)
start <- c(a=1, b=2, c=3, d=4, e=5); period <- sample(0:5, N, TRUE); exposed <- as.integer(period >= start[authority])
level <- rnorm(5, 0, .3); names(level) <- letters[1:5]; time <- c(0,.1,-.1,.2,.1,.3)
mean <- exp(.6 + level[authority] + time[period + 1] - .2 * exposed)
placements <- rnbinom(N, mu=mean, size=3)
p <- plogis(-2.5 + level[authority] + time[period + 1] - .3 * exposed); share <- round(rbeta(N, 12*p, 12*(1-p)), 6)
d <- data.frame(authority, period, exposed, placements, share)
write.csv(d, file.path(out, "children.csv"), row.names=FALSE, quote=FALSE)
total <- aggregate(cbind(placements, size=1) ~ authority + period + exposed, d, sum)
effects <- ~ exposed + factor(period) + authority
row <- function(model, m, cluster) { V <- vcovCR(m, cluster=cluster, type="CR2"); ct <- coef_test(m, vcov=V, test="Satterthwaite", coefs="exposed")
  data.frame(model, term="exposed", estimate=ct$beta, std_error=ct$SE, df=ct$df_Satt, p_value=ct$p_Satt) }
tight <- list(epsilon=1e-13, maxit=100)
children <- glm(update(effects, placements ~ .), quasipoisson, d, control=tight)
totals <- glm(update(effects, placements ~ . + offset(log(size))), quasipoisson, total, control=tight)
shares <- glm(update(effects, share ~ .), quasibinomial, d, control=tight)
rows <- rbind(row("poisson_children", children, d$authority), row("poisson_totals", totals, total$authority), row("fractional_logit", shares, d$authority))
standardised <- function(model, m, data, w) { a <- data; a$exposed <- 1L; b <- data; b$exposed <- 0L
  data.frame(model, quantity=c("exposed","unexposed"), value=c(weighted.mean(predict(m,a,type="response")/w, w), weighted.mean(predict(m,b,type="response")/w, w))) }
means <- rbind(standardised("poisson_children", children, d, rep(1, N)), standardised("poisson_totals", totals, total, total$size), standardised("fractional_logit", shares, d, rep(1, N)))
write.csv(format(rows, digits=15, trim=TRUE), file.path(out, "reference.csv"), row.names=FALSE, quote=FALSE)
write.csv(format(means, digits=15, trim=TRUE), file.path(out, "reference_standardised.csv"), row.names=FALSE, quote=FALSE)
writeLines(c(R.version.string, paste("clubSandwich", packageVersion("clubSandwich"))), file.path(out, "session.txt"))
