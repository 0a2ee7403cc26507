"""Loads the budgets of `budgets.yaml`, and checks that they can be counted: the time zone exists, and models have prices."""

from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openclaw_core.budgets.file import BudgetsFile, read_budgets_file
from openclaw_core.budgets.values import Budgets, Limit, Period, Scope, ToolPrices, Unit
from openclaw_core.errors import SettingsError
from openclaw_core.roles.values import Roles
from openclaw_core.roles.yaml_file import FileFaults, LineNumbers

MICRO = 1_000_000


def load_budgets(folder: Path, roles: Roles) -> Budgets:
    """Read `folder/config/budgets.yaml`; without that file there are no limits.

    Raises SettingsError listing `file:line: reason` of each fault.
    """
    path = folder / "config" / "budgets.yaml"
    if not path.exists():
        return Budgets()
    shown, faults = str(path), FileFaults()
    content, places = read_budgets_file(path, shown, faults)
    budgets = None
    if content is not None:
        budgets = build_budgets(content, roles, shown=shown, places=places, faults=faults)
    if budgets is None or faults.found:
        raise SettingsError("wrong budgets:\n" + "\n".join(f"  {line}" for line in faults.lines()))
    return budgets


def build_budgets(
    content: BudgetsFile, roles: Roles, *, shown: str, places: LineNumbers, faults: FileFaults
) -> Budgets:
    """The budgets, with what is wrong in *faults*."""
    limits = tuple(_limits(content))
    zone = _zone(content.time_zone)
    if zone is None:
        faults.add(
            shown,
            places.of("time_zone"),
            f"there is no time zone `{content.time_zone}`: take UTC, or a name such as Asia/Jerusalem",
        )
    if unpriced := _unpriced(roles):
        for limit in limits:
            if limit.unit is Unit.MICRO_USD:
                faults.add(
                    shown,
                    places.of(limit.scope, limit.period, "usd"),
                    f"a limit in dollars needs prices, and roles.yaml has none for {', '.join(unpriced)}: add "
                    "`usd_per_mtok`, or limit tokens",
                )
    faults.found += [(shown, *fault) for fault in _month_below_day(limits, places)]
    return Budgets(
        limits=limits,
        prices=ToolPrices(
            search_micro_usd=content.prices.search_usd_per_1000 * MICRO / 1000,
            recording_micro_usd_per_s=content.prices.recording_usd_per_hour * MICRO / 3600,
        ),
        zone=zone or UTC,
        zone_name=content.time_zone,
    )


def _limits(content: BudgetsFile) -> Iterator[Limit]:
    for scope in Scope:
        for period in Period:
            entry = getattr(getattr(content, scope), period)
            if entry.tokens is not None:
                yield Limit(scope=scope, period=period, unit=Unit.TOKENS, amount=entry.tokens)
            if entry.usd is not None:
                amount = max(1, round(entry.usd * MICRO))
                yield Limit(scope=scope, period=period, unit=Unit.MICRO_USD, amount=amount)


def _zone(name: str) -> tzinfo | None:
    if name == "UTC":  # needs no data of the system
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _unpriced(roles: Roles) -> list[str]:
    """Models that a role or the router uses and whose price is not known."""
    used = dict.fromkeys((*(name for role in roles.roles.values() for name in role.models), *roles.router.models))
    return [name for name in used if name in roles.models and roles.models[name].input_usd_per_mtok is None]


def _month_below_day(limits: tuple[Limit, ...], places: LineNumbers) -> Iterator[tuple[int, str]]:
    by_place = {(one.scope, one.unit, one.period): one.amount for one in limits}
    for (scope, unit, period), amount in by_place.items():
        day = by_place.get((scope, unit, Period.DAY))
        if period is Period.MONTH and day is not None and amount < day:
            field = "usd" if unit is Unit.MICRO_USD else "tokens"
            yield (
                places.of(scope, period, field),
                f"the month's limit of `{scope}` is lower than the day's, which then means nothing: raise it, or take the day's away",
            )
