"""What each figure means, in what unit, and where its definition is from; a figure without a line here does not exist."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """unit: frac (0.1 is 10 %), ratio, days, count, bps, currency; peers: how empyrical and quantstats differ, "" where they agree."""

    unit: str
    meaning: str
    source: str
    peers: str = ""


OWN = "Argosy"
LO = "Lo, The Statistics of Sharpe Ratios, 2002"
BAILEY = "Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, 2012"

CURVE = {
    "total_return": Figure("frac", "last value over first, less one; deposits taken out", "GIPS 2020, time-weighted"),
    "cagr": Figure(
        "frac", "growth compounded over a calendar year of 365.25 days; none under 30 days", "Bacon, Practical Portfolio Performance, 2008",
        "both count steps / 252 as years: ((1 + total_return) ** (ppy / count) - 1)",
    ),
    "volatility": Figure("frac", "standard deviation of returns (n - 1) times the root of the steps in a year", "Hull, Options, Futures, 2018"),
    "sharpe": Figure(
        "ratio", "mean return over its standard deviation (n - 1), times the root of a year; riskless rate 0",
        "Sharpe, The Sharpe Ratio, 1994",
    ),
    "sharpe_error": Figure("ratio", "standard error of sharpe, for returns with skew and fat tails", f"Mertens 2002; {BAILEY}"),
    "sharpe_error_iid": Figure("ratio", "standard error of sharpe, for independent normal returns", LO),
    "sharpe_above_0": Figure("frac", "probability that the true Sharpe ratio is above 0, by sharpe_error", f"{BAILEY} (PSR)"),
    "sortino": Figure(
        "ratio", "mean return over the root mean square of the negative ones, all steps counted, times the root of a year",
        "Sortino and Price, 1994",
    ),
    "calmar": Figure("ratio", "cagr over max_drawdown", "Young, Calmar Ratio, 1991", "they use their own cagr"),
    "omega": Figure(
        "ratio", "sum of gains over sum of losses of the steps, threshold 0",
        "Keating and Shadwick, A Universal Performance Measure, 2002",
    ),
    "max_drawdown": Figure("frac", "deepest fall from a peak, over every row, positive", "Magdon-Ismail and Atiya, 2004", "theirs is negative"),
    "max_drawdown_days": Figure("days", "from the peak of that fall until it was reached again, or the end", OWN),
    "underwater_days": Figure("days", "longest time from a peak until it was reached again, or the end", OWN),
    "average_drawdown": Figure("frac", "mean of the falls from the peak so far, over every row", "the pain index; Bacon, 2008"),
    "ulcer": Figure(
        "frac", "root mean square of the falls, over the steps between rows",
        "Martin and McCann, 1989", "quantstats divides by count - 1",
    ),
    "var": Figure(
        "frac", "loss of a step that the worst `tail` of steps exceed: the quantile of history, linear between two, positive",
        "Jorion, Value at Risk, 2006", "empyrical's is negative; quantstats gives var_gaussian",
    ),
    "cvar": Figure(
        "frac", "mean loss of the floor((n - 1) tail) + 1 worst steps, positive",
        "Rockafellar and Uryasev, 2002", "empyrical's is negative; quantstats' historical one takes the steps at or under the quantile",
    ),
    "var_gaussian": Figure(
        "frac", "the same quantile of a normal return with this mean and deviation",
        "Jorion, Value at Risk, 2006", "quantstats' value_at_risk, negative",
    ),
    "cvar_gaussian": Figure("frac", "the mean beyond it", "McNeil, Frey and Embrechts, 2005", "quantstats' cvar, negative"),
    "var_cornish_fisher": Figure(
        "frac", "the normal quantile bent by skew and kurtosis; none where that is no distribution",
        "Cornish and Fisher, 1938; Maillard, 2012",
    ),
    "cvar_cornish_fisher": Figure(
        "frac", "the mean beyond it, its integral over the tail",
        "Maillard, A User's Guide to the Cornish Fisher Expansion, 2012",
    ),
    "skew": Figure(
        "ratio", "third central moment over the cubed deviation, both by n",
        "Fisher's g1", "quantstats corrects for bias: times sqrt(n (n - 1)) / (n - 2)",
    ),
    "kurtosis": Figure(
        "ratio", "fourth central moment over the squared variance, by n, less 3",
        "Fisher's g2", "quantstats corrects for bias: ((n + 1) g2 + 6) (n - 1) / ((n - 2) (n - 3))",
    ),
    "tail_ratio": Figure("ratio", "size of the upper quantile over that of the lower, at `tail`", "pyfolio, Quantopian"),
    "best_step": Figure("frac", "largest return of a step", OWN),
    "worst_step": Figure("frac", "smallest return of a step", OWN),
    "gaining_steps": Figure("frac", "share of steps that gained, those of 0 in the divisor", OWN, "quantstats' win_rate leaves steps of 0 out"),
}  # fmt: skip

VERSUS = {
    "alpha": Figure(
        "frac", "mean return less beta times the benchmark's, compounded over a year",
        "Jensen, The Performance of Mutual Funds, 1968", "quantstats multiplies by the steps in a year instead",
    ),
    "beta": Figure(
        "ratio", "covariance of the returns over the variance of the benchmark's",
        "Sharpe, A Simplified Model for Portfolio Analysis, 1963",
    ),
    "correlation": Figure("ratio", "of the returns, step by step", "Pearson, 1896"),
    "excess_return": Figure("frac", "total return less the benchmark's, where both have values", OWN),
    "tracking_error": Figure(
        "frac", "standard deviation of the differences of returns (n - 1), times the root of a year",
        "Grinold and Kahn, Active Portfolio Management, 1999",
    ),
    "information_ratio": Figure(
        "ratio", "mean difference of returns over its standard deviation, times the root of a year",
        "Grinold and Kahn, 1999", "both leave out the root of a year",
    ),
    "up_capture": Figure(
        "ratio", "annual growth over annual growth of the benchmark, in the steps in which that rose",
        "Morningstar, Upside and Downside Capture Ratios",
    ),
    "down_capture": Figure("ratio", "the same in the steps in which it fell", "Morningstar, Upside and Downside Capture Ratios"),
}  # fmt: skip

DEALS = {
    "trades": Figure("count", "round trips that are closed, flat to flat, of one strategy in one symbol", OWN),
    "open_trades": Figure("count", "round trips that are not", OWN),
    "win_rate": Figure("frac", "closed trades that gained after fees, over all closed", OWN, "theirs counts steps, not trades"),
    "profit_factor": Figure("ratio", "sum of gains over sum of losses", OWN, "theirs counts steps: our omega"),
    "payoff": Figure("ratio", "average_gain over average_loss", OWN, "theirs counts steps"),
    "expectancy": Figure("currency", "mean profit of a closed trade after fees", "Tharp, Trade Your Way to Financial Freedom, 1998"),
    "average_frac": Figure("frac", "mean of profit over money entered", OWN),
    "best_frac": Figure("frac", "the largest", OWN),
    "worst_frac": Figure("frac", "the smallest", OWN),
    "average_gain": Figure("currency", "mean profit of the trades that gained", OWN),
    "average_loss": Figure("currency", "mean loss of those that lost, positive", OWN),
    "longest_wins": Figure("count", "most trades one after another that gained, by entry", OWN),
    "longest_losses": Figure("count", "most that lost", OWN),
    "held_days": Figure("days", "mean time from entry to exit", OWN),
    "mae_frac": Figure("frac", "mean over trades of the farthest move against, of the entry price", "Sweeney, Maximum Adverse Excursion, 1997"),
    "mfe_frac": Figure("frac", "mean over trades of the farthest move for, of the entry price", "Sweeney, 1997"),
    "exposure": Figure(
        "frac", "share of rows at which some position was open",
        OWN, "quantstats counts steps with a return, rounded up to a percent",
    ),
    "traded": Figure("currency", "sum of what was bought and sold", OWN),
    "turnover": Figure("ratio", "traded over the mean equity, a year", OWN),
    "fees": Figure("currency", "sum of fees", OWN),
    "fee_bps": Figure("bps", "fees over traded", OWN),
    "drag": Figure("frac", "fees over the mean equity, a year", OWN),
}  # fmt: skip

FIGURES: dict[str, dict[str, Figure]] = {"curve": CURVE, "versus": VERSUS, "deals": DEALS}
NAMES: dict[str, Figure] = CURVE | VERSUS | DEALS
"""Every figure by its own name, whatever its group; no name is in two."""

MORE = (
    "total_return cagr sharpe sharpe_above_0 sortino calmar omega tail_ratio best_step worst_step gaining_steps alpha excess_return "
    "information_ratio up_capture win_rate profit_factor payoff expectancy average_frac best_frac worst_frac average_gain longest_wins mfe_frac"
).split()
"""Figures of which more is better."""
LESS = (
    "volatility max_drawdown max_drawdown_days underwater_days average_drawdown ulcer var cvar var_gaussian "
    "cvar_gaussian var_cornish_fisher cvar_cornish_fisher tracking_error down_capture average_loss longest_losses mae_frac turnover fees "
    "fee_bps drag"
).split()
"""Figures of which less is better; the rest (beta, trades, exposure, ...) is good or bad as its owner wants it."""
SUMS = ("trades", "open_trades", "traded", "fees")
MOST = ("max_drawdown", "max_drawdown_days", "underwater_days", "best_step", "best_frac", "longest_wins", "longest_losses")
LEAST = ("worst_step", "worst_frac")
"""What figures of several instruments or stretches come to together: sums, the largest, the smallest; of all others the mean."""


def better(name: str) -> int:
    """1 where more of a figure is better, -1 where less is, 0 where neither can be said."""
    return 1 if name in MORE else -1 if name in LESS else 0


def table() -> str:
    """The catalogue in Markdown, as docs/statistics.md shows it."""
    lines = []
    for group, figures in FIGURES.items():
        lines += [f"### {group}", "", "| figure | unit | definition | source | elsewhere |", "| --- | --- | --- | --- | --- |"]
        lines += [f"| `{name}` | {one.unit} | {one.meaning} | {one.source} | {one.peers or '='} |" for name, one in figures.items()]
        lines.append("")
    return "\n".join(lines)
