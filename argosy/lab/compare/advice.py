"""What to do after a comparison, in sentences that cite the passports; a run that is not tested, or failed, is never recommended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from argosy.lab.compare.gap import Gap
from argosy.lab.compare.tested import UNTESTED, Tested
from argosy.lab.words import number

RANKS = ("PASS", "WEAK")
"""Verdicts of what may be recommended, the better one first."""


class Advice(msgspec.Struct, frozen=True):
    """recommended: the name of a run, None when none may be; sentences: why, for people."""

    recommended: str | None
    sentences: list[str]


def advise(sharpes: Mapping[str, float], tested: Mapping[str, Tested], gaps: Sequence[Gap], stopped: Sequence[str] = ()) -> Advice:
    """The advice. sharpes: a year, on common days, by run; stopped: runs that ended with an error.

    Of those with a passport of PASS the one with the highest Sharpe ratio above 0; where there is none, of WEAK, with its cautions.
    """
    able = {name: sharpe for name, sharpe in sharpes.items() if tested[name].verdict in RANKS and name not in stopped and sharpe > 0.0}
    best = max(able, key=lambda name: (-RANKS.index(tested[name].verdict), able[name]), default=None)
    said = []
    if best is None:
        said.append("None of these runs can be recommended.")
    else:
        paper = tested[best].passport
        made = str(paper.get("made", ""))[:10]
        why = " ".join(_sentence(text) for text in list(paper.get("reasons", []))[:3])
        if tested[best].verdict == "PASS":
            said.append(f"{best} is recommended. Its passport of {made} says PASS: {why}")
        else:
            said.append(f"{best} is what there is, with caution: no run passed. Its passport of {made} says WEAK: {why}")
        said += _others(best, able, tested, gaps)
    said += [_unable(name, sharpe, tested[name], name in stopped) for name, sharpe in sharpes.items() if name not in able]
    above = [name for name, sharpe in sharpes.items() if best is not None and name not in able and sharpe > able[best]]
    if above and best is not None:
        said.append(f"{_listed(above)} had a higher Sharpe ratio than {best}; without a test that holds, a higher figure is no reason.")
    if best is None and any(one.verdict == UNTESTED for one in tested.values()):
        said.append("Test what you would choose: argosy passport NAME --out passports/NAME.html, then compare again with --passports passports.")
    return Advice(best, said)


def _others(best: str, able: Mapping[str, float], tested: Mapping[str, Tested], gaps: Sequence[Gap]) -> list[str]:
    """How sure it is that the chosen one is better than the next that may be chosen."""
    rest = sorted((name for name in able if name != best), key=lambda name: -able[name])
    out = []
    for name in rest[:2]:
        one = next(gap for gap in gaps if {gap.one, gap.other} == {best, name})
        difference = one.difference if one.one == best else -one.difference
        low, high = (one.low, one.high) if one.one == best else (-one.high, -one.low)
        how = (
            f"Its Sharpe ratio is {number(abs(difference))} {'above' if difference >= 0 else 'below'} that of {name} ({tested[name].verdict}): "
            f"standard error {number(one.error)}, p {number(one.p, 3)} (Jobson-Korkie-Memmel); from {number(low)} to {number(high)}, p "
            f"{number(one.p_paths, 3)} (paired stationary bootstrap)"
        )
        out.append(f"{how}." if one.sure else f"{how}. That may be chance, so falls, costs and what else you own may decide between the two.")
    return out


def _unable(name: str, sharpe: float, one: Tested, stopped: bool) -> str:
    if stopped:
        return f"{name} stopped with an error and is not considered."
    if one.verdict == "FAIL":
        reasons = list(one.passport.get("reasons", []))
        return f"{name} failed its passport: {_sentence(str(reasons[0])) if reasons else 'no reason is given.'}"
    if one.verdict == UNTESTED:
        return f"{name} is not tested: {one.said}."
    return f"{name} has a passport of {one.verdict}, but its Sharpe ratio on these days is {number(sharpe)}: it is not considered."


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else text + "."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
