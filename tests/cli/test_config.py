"""Settings: later wins, every mistake is named with its line, and every key can be explained."""

import pytest

from argosy.cli.explain import explain, keys
from argosy.core.errors import Misconfigured
from argosy.settings import OFF, Settings, examine, lines, load

BAD = """\
[account]
cahs = 5
cash = -1
currency = true

[venue]
fees = "alpca"
slippage_bps = "2"
limit_rule = "tuch"

[risk]
profile = "dsk"
max_pct = 3
[risk.position]
max_pc = 5
[risk.dailyloss]
max_pct = 1
[risk.collar]
max_pct = -4
[strategies.trend]
budget_frac = 2
"""
FAULTS = [
    (2, "account.cahs", "SETTING_UNKNOWN", "'cash'"),
    (3, "account.cash", "SETTING_BOUNDS", "more than 0"),
    (4, "account.currency", "SETTING_TYPE", "a text"),
    (7, "venue.fees", "SETTING_VALUE", "did you mean 'alpaca'"),
    (8, "venue.slippage_bps", "SETTING_TYPE", "a number"),
    (9, "venue.limit_rule", "SETTING_VALUE", "did you mean 'touch'"),
    (12, "risk.profile", "SETTING_VALUE", "did you mean 'desk'"),
    (13, "risk.max_pct", "RULE_UNKNOWN", "[risk.position]"),
    (15, "risk.position.max_pc", "LIMIT_UNKNOWN", "did you mean 'max_pct'"),
    (16, "risk.dailyloss", "RULE_UNKNOWN", "did you mean 'daily_loss'"),
    (19, "risk.collar.max_pct", "LIMIT_VALUE", "explain risk.collar.max_pct"),
    (21, "strategies.trend.budget_frac", "SETTING_BOUNDS", "at most 1"),
]


def test_check_names_every_fault_with_its_line_and_fix(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text(BAD)
    told = shell("config", "check", "--json")
    assert told.code == 2
    found = [(fault["line"], fault["key"], fault["code"]) for fault in told.json["faults"]]
    assert found == [(line, key, code) for line, key, code, _ in FAULTS]
    for fault, (*_, fix) in zip(told.json["faults"], FAULTS, strict=True):
        assert fix in fault["fix"] and fault["file"] == "argosy.toml"
    text = shell("config", "check")
    assert text.code == 2 and "argosy.toml:8  venue.slippage_bps  SETTING_TYPE" in text.err and text.out == ""


def test_a_command_refuses_bad_settings_before_anything_runs(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text(BAD)
    told = shell("backtest", "trend")
    assert told.code == 2 and told.out == ""
    assert (
        "SETTING_UNKNOWN" in told.err and "argosy.toml:2 account.cahs" in told.err and "11 more" in told.err
    )


def test_later_sources_win_and_say_where(shell, tmp_path, monkeypatch):
    (tmp_path / "argosy.toml").write_text(
        "[account]\ncash = 1000\n[venue]\nslippage_bps = 2\n[risk.position]\nmax_pct = 9\n"
    )
    (tmp_path / ".env").write_text(
        "ARGOSY_VENUE__SLIPPAGE_BPS=3\nARGOSY_VENUE__LATENCY_MS=7\nARGOSY_CACHE=elsewhere\n"
    )
    monkeypatch.setenv("ARGOSY_VENUE__LATENCY_MS", "8")
    monkeypatch.setenv("ARGOSY_RISK__POSITION__MAX_PCT", "4.5")
    monkeypatch.setenv("ARGOSY_STRATEGIES__TREND__SYMBOLS", '["AAPL"]')
    loaded = load(None, {"account.cash": 5.0})
    settings = loaded.settings
    assert (settings.account.cash, settings.venue.slippage_bps, settings.venue.latency_ms) == (5.0, 3.0, 8.0)
    assert settings.strategies["trend"].symbols == ["AAPL"]
    assert loaded.origins["account.cash"] == "command line"
    assert loaded.origins["venue.slippage_bps"].startswith(".env ")
    assert loaded.origins["venue.latency_ms"] == "env ARGOSY_VENUE__LATENCY_MS"
    terms = settings.terms()
    assert (terms.cash, terms.slippage_bps, terms.latency_ms) == (5.0, 3.0, 8.0)
    told = shell("config", "explain", "venue.slippage_bps", "--json").json
    assert (told["value"], told["bounds"], told["default"], told["unit"][:12]) == (
        "3.0",
        "≥ 0, ≤ 1000",
        "1.0",
        "basis points",
    )


def test_a_wrong_environment_is_named(shell, monkeypatch):
    monkeypatch.setenv("ARGOSY_VENU__SLIPPAGE_BPS", "1")
    monkeypatch.setenv("ARGOSY_VENUE__LATENCY_MS", "soon")
    faults = {fault.key: fault for fault in examine()[1]}
    assert "VENUE" in faults["ARGOSY_VENU__SLIPPAGE_BPS"].fix
    assert (faults["venue.latency_ms"].source, faults["venue.latency_ms"].file) == (
        "env",
        "env ARGOSY_VENUE__LATENCY_MS",
    )


def test_a_limit_can_be_switched_off_and_fees_can_be_a_table(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(
        f'[risk]\nprofile = "desk"\n[risk.position]\nmax_pct = "{OFF}"\n[venue.fees]\ntaker_bps = 10\n'
    )
    terms = load(file).settings.terms()
    assert terms.limits == {"position": {"max_pct": None}} and terms.profile == "desk"
    assert not isinstance(terms.fees, str) and terms.fees.taker_bps == 10.0


def test_a_file_that_is_no_toml_or_not_there(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("[account]\ncash = \n")
    with pytest.raises(Misconfigured, match=r"SETTINGS_FILE.*a\.toml:2"):
        load(file)
    with pytest.raises(Misconfigured, match="SETTINGS_FILE"):
        load(tmp_path / "none.toml")


def test_lines_of_tables_keys_and_dots():
    text = "# x\n[a.b]\nc = 1\n'd' = 2\n\n[e]\nf.g = 3\n"
    assert lines(text) == {"a.b": 2, "a.b.c": 3, "a.b.d": 4, "e": 6, "e.f.g": 7}


def test_every_key_can_be_explained():
    for key in keys():
        if "NAME" not in key:
            fact = explain(key, None)
            assert fact.type and fact.about, key
    assert len(keys("risk")) > 20


def test_explain_reads_bounds_from_the_rule_itself(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text('[risk]\nprofile = "desk"\n')
    told = shell("config", "explain", "risk.position.max_pct", "--json").json
    assert (told["bounds"], told["value"], told["origin"], told["unit"]) == (
        "≥ 0.0001, ≤ 10000",
        "5.0",
        "profile desk",
        "percent, 0 to 100",
    )
    assert "MAX_POSITION" in told["about"]
    fast = shell("config", "explain", "strategies.trend.fast", "--json").json
    assert (fast["default"], fast["bounds"]) == ("10", "≥ 1, ≤ 1000")


def test_explain_of_a_misspelt_key_says_which_is_meant(shell):
    told = shell("config", "explain", "venue.slipage_bps")
    assert told.code == 2 and "venue.slippage_bps" in told.err
    assert "account.cash" in shell("config", "explain").out


def test_strategy_parameters_are_checked_by_their_strategy(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text(
        "[strategies.trend]\nfast = 0\n\n[strategies.nobody]\nbudget_frac = 0.1\n"
    )
    faults = shell("config", "check", "--json").json["faults"]
    assert [(fault["code"], fault["key"], fault["line"]) for fault in faults] == [
        ("STRATEGY_PARAM", "strategies.trend.fast", 2), ("PLUGIN_UNKNOWN", "strategies.nobody", 5),
    ]  # fmt: skip


def test_the_example_file_is_right_and_shows_the_defaults(shell):
    from pathlib import Path

    example = Path(__file__).parents[2] / "argosy.example.toml"
    loaded, faults = examine(example)
    assert faults == [] and loaded is not None
    assert loaded.settings.account == Settings().account
    told = shell("config", "show", "--json", "--config", str(example)).json
    assert told["settings"]["risk"]["position"] == {"max_pct": 40.0}
    assert told["origins"]["risk.position.max_pct"].startswith(str(example))


TOMLS = [
    ("[account]\ncash = \n", 2, "give cash a value"),
    ("[account]\ncurrency = USD\n", 2, 'texts need quotes: currency = "USD"'),
    ("[account\ncash = 5\n", 1, ""),
    ("[account]\ncash = 100,000\n", 2, "write a plain number: cash = 100000"),
    ("[account]\ncash: 5\n", 2, "write = instead of a colon: cash = ..."),
    ("[account]\ncash = 5\ncash = 6\n", 3, ""),
    ('[account]\ncurrency = "USD\n', 2, ""),
    ("[data]\ncatalog = True\n", 2, "write catalog = true"),
    ("[risk.position]\nmax_pct = 5%\n", 2, "write a plain number: max_pct = 5"),
    ("[account]\n[account]\n", 2, ""),
]


@pytest.mark.parametrize(("text", "line", "fix"), TOMLS)
def test_a_slip_of_syntax_names_its_line_and_what_to_write(shell, tmp_path, text, line, fix):
    (tmp_path / "argosy.toml").write_text(text)
    told = shell("backtest", "trend", "--json")
    assert (told.code, told.error["code"], told.error["exit_status"]) == (2, "SETTINGS_FILE", 2)
    assert told.error["where"] == f"argosy.toml:{line}" and told.error["fix"] and fix in told.error["fix"]
    said = shell("config", "check")
    assert said.code == 2 and f"argosy.toml:{line}" in said.err


ONE = [
    ("[accont]\ncash = 5\n", "SETTING_UNKNOWN", "argosy.toml:1 accont", "did you mean 'account'?"),
    ("cash = 5\n", "SETTING_UNKNOWN", "argosy.toml:1 cash", "known here: account"),
    ("[account]\ncash = \"much\"\n", "SETTING_TYPE", "argosy.toml:2 account.cash", "write a number"),
    ("[account]\ncash = true\n", "SETTING_TYPE", "argosy.toml:2 account.cash", "write a number"),
    ("[account]\ncash = nan\n", "SETTING_BOUNDS", "argosy.toml:2 account.cash", "write a number"),
    ("[account]\ncash = 1e300\n", "SETTING_BOUNDS", "argosy.toml:2 account.cash", "at most 1e+12"),
    ("account = 5\n", "SETTING_TYPE", "argosy.toml:1 account", "write a table"),
    ("[account]\ncurrency = \"dollars\"\n", "SETTING_VALUE", "argosy.toml:2 account.currency", "argosy config explain account.currency"),
    ("[venue]\nlatency_ms = -1\n", "SETTING_BOUNDS", "argosy.toml:2 venue.latency_ms", "at least 0"),
    ("[venue]\nfees = {taker_bp = 3}\n", "SETTING_UNKNOWN", "argosy.toml:2 venue.fees.taker_bp", "did you mean 'taker_bps'?"),
    ("[data]\ncatalog = \"\"\n", "SETTING_VALUE", "argosy.toml:2 data.catalog", "argosy config explain data.catalog"),
    ("[strategies.trend]\nsymbols = \"AAPL\"\n", "SETTING_TYPE", "argosy.toml:2 strategies.trend.symbols", "write a list in brackets"),
    ("strategies = 5\n", "SETTING_TYPE", "argosy.toml:1 strategies", "write a table"),
    ("[risk]\nposition = 5\n", "RULE_UNKNOWN", "argosy.toml:2 risk.position", "[risk.position]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "where", "fix"), ONE)
@pytest.mark.parametrize("words", [("backtest", "trend"), ("demo",), ("data", "list"), ("config", "show")])
def test_every_command_refuses_a_wrong_setting_alike(shell, tmp_path, words, text, code, where, fix):
    (tmp_path / "argosy.toml").write_text(text)
    told = shell(*words, "--json")
    assert (told.code, told.error["code"], told.error["where"], told.error["exit_status"]) == (2, code, where, 2)
    assert fix in told.error["fix"] and told.error["what"]
    said = shell(*words)
    assert (said.code, said.out) == (2, "") and code in said.err and where in said.err and "Traceback" not in said.err


def test_files_that_are_no_settings(shell, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.toml").write_bytes("[account]\n# gewöhnlich\n".encode("latin-1"))
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf[account]\ncash = 5\n")
    (tmp_path / "noise.toml").write_bytes(bytes(range(256)))
    for name, said in (("folder", "Is a directory"), ("latin.toml", "not UTF-8"), ("noise.toml", "not UTF-8"), ("none.toml", "No such file")):
        told = shell("config", "show", "--config", name, "--json")
        assert (told.code, told.error["code"]) == (2, "SETTINGS_FILE") and name in told.error["where"]
        assert said in told.error["what"]
    assert load(tmp_path / "bom.toml").settings.account.cash == 5.0


@pytest.mark.parametrize(
    ("name", "value", "key", "code", "fix"),
    [
        ("ARGOSY_VENU__SLIPPAGE_BPS", "1", "ARGOSY_VENU__SLIPPAGE_BPS", "SETTING_UNKNOWN", "did you mean VENUE?"),
        ("ARGOSY_VENUE__SLIPAGE_BPS", "1", "venue.slipage_bps", "SETTING_UNKNOWN", "'slippage_bps'"),
        ("ARGOSY_VENUE_SLIPPAGE_BPS", "1", "ARGOSY_VENUE_SLIPPAGE_BPS", "SETTING_UNKNOWN", "ARGOSY_VENUE__SLIPPAGE_BPS"),
        ("ARGOSY_ACCOUNT_CSH", "1", "ARGOSY_ACCOUNT_CSH", "SETTING_UNKNOWN", "ARGOSY_ACCOUNT__CASH"),
        ("ARGOSY_STRATEGIES__TREND__SYMBOLS", "[bad", "ARGOSY_STRATEGIES__TREND__SYMBOLS", "SETTING_TYPE", '["AAPL", "MSFT"]'),
        ("ARGOSY_STRATEGIES__TREND__SYMBOLS", "AAPL,MSFT", "strategies.trend.symbols", "SETTING_TYPE", "list in brackets"),
        ("ARGOSY_ACCOUNT", "rich", "ARGOSY_ACCOUNT", "SETTING_TYPE", '{"cash": 1000}'),
        ("ARGOSY_VENUE__LATENCY_MS", "soon", "venue.latency_ms", "SETTING_TYPE", "write a number"),
        ("ARGOSY_VENUE__LATENCY_MS", "-1", "venue.latency_ms", "SETTING_BOUNDS", "at least 0"),
        ("ARGOSY_VENUE__LIMIT_RULE", "tuch", "venue.limit_rule", "SETTING_VALUE", "'touch'"),
        ("ARGOSY_RISK__POSITION__MAX_PC", "5", "risk.position.max_pc", "LIMIT_UNKNOWN", "max_pct"),
    ],
)
@pytest.mark.parametrize("source", ["env", ".env"])
def test_a_slip_in_a_variable_is_named(shell, tmp_path, monkeypatch, source, name, value, key, code, fix):
    if source == "env":
        monkeypatch.setenv(name, value)
    else:
        (tmp_path / ".env").write_text(f"{name}={value}\n")
    told = shell("backtest", "trend", "--json")
    assert (told.code, told.error["code"]) == (2, code)
    assert key in told.error["where"] and fix in told.error["fix"]
    assert (".env" in told.error["where"]) == (source == ".env")
    assert ("env" in told.error["where"].lower()) or ("environment" in told.error["where"])


def test_variables_of_the_house_that_are_no_settings_pass(shell, monkeypatch):
    monkeypatch.setenv("ARGOSY_CACHE", "elsewhere")
    monkeypatch.setenv("ARGOSY_DRILL", "1")
    monkeypatch.setenv("ARGOSY_SOMETHING", "1")
    monkeypatch.setenv("argosy_account__cash", "7")
    loaded, faults = examine()
    assert faults == [] and loaded is not None and loaded.settings.account.cash == 7.0


def test_a_whole_section_as_json_and_a_list(shell, monkeypatch):
    monkeypatch.setenv("ARGOSY_ACCOUNT", '{"cash": 9, "currency": "EUR"}')
    monkeypatch.setenv("ARGOSY_STRATEGIES__TREND__SYMBOLS", '["A", "B"]')
    loaded = load()
    assert (loaded.settings.account.cash, loaded.settings.account.currency) == (9.0, "EUR")
    assert loaded.settings.strategies["trend"].symbols == ["A", "B"]
    assert loaded.origins["account.cash"] == "env ARGOSY_ACCOUNT__CASH"


DESK = '[risk]\nprofile = "desk"\n'
UNSTOPPED = [
    (DESK + "[strategies.buy_and_hold]\n", ["strategies.buy_and_hold never sets a stop"]),  # its step writes no out.stop
    (DESK + "[strategies.trend]\nstop_atr = 2.0\n", ["see that trend sends one"]),  # its step may: only running it tells
    (DESK + "[strategies.breaks]\n", ["see that breaks sends one"]),  # a handler: only running it tells
    (
        DESK + '[strategies.one]\nplugin = "buy_and_hold"\n[strategies.trend]\n[strategies.breaks]\n',
        ["strategies.one never sets a stop", "see that trend, breaks sends one"],
    ),
    (DESK, []),
    ("[strategies.buy_and_hold]\n", []),  # the lab asks for no stop
    (DESK + "[risk.protection]\nrequired = false\n[strategies.buy_and_hold]\n", []),
    ("[risk.protection]\nrequired = true\n[strategies.buy_and_hold]\n", ["its entries get one 2 % from their price"]),
    (DESK + "[risk.protection]\ndefault_stop_pct = 0\n[strategies.buy_and_hold]\n", ["its entries are refused"]),
]


@pytest.mark.parametrize(("text", "said"), UNSTOPPED)
def test_check_warns_of_entries_that_the_gate_would_refuse_for_want_of_a_stop(shell, tmp_path, text, said):
    (tmp_path / "argosy.toml").write_text(text)
    told = shell("config", "check", "--json")
    assert (told.code, told.json["ok"], told.json["faults"]) == (0, True, [])
    warnings = told.json["warnings"]
    assert len(warnings) == len(said)
    assert all(words in line for words, line in zip(said, warnings, strict=True))
    plain = shell("config", "check")
    assert plain.code == 0 and "nothing is wrong" in plain.out
    assert plain.err.splitlines() == [f"! {line}" for line in warnings]


def test_a_strategy_that_is_not_there_is_a_fault_and_no_warning(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text(DESK + "[strategies.nobody]\n")
    told = shell("config", "check", "--json")
    assert (told.code, told.json["warnings"]) == (2, [])


def test_the_warning_is_what_the_desk_does(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text(DESK + "[risk.protection]\ndefault_stop_pct = 0\n")
    told = shell("backtest", "buy_and_hold", "--json").json
    assert told["fills"] == 0 and set(told["refusals"]) & {"PROTECTION_REQUIRED"}
    (tmp_path / "argosy.toml").write_text(DESK)
    told = shell("backtest", "buy_and_hold", "--json").json
    assert told["fills"] > 0 and "PROTECTION_REQUIRED" not in told["refusals"]
