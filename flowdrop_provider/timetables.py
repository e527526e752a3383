"""A clock that is blurred on purpose, so that many workflows do not start in the same second (TRIG-2)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow.timetables.trigger import MultipleCronTriggerTimetable

from flowdrop_provider.library.overlaps import fire_delay

if TYPE_CHECKING:
    from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction

__all__ = ["JitteredCronTimetable"]


class JitteredCronTimetable(MultipleCronTriggerTimetable):
    """Cron expressions whose runs begin a little later than they say.

    A run keeps the expression's moment as its logical date; only when it begins is delayed. The delay follows from the workflow
    and the moment, so the scheduler finds the same one at every look, also after a restart.

    :param crons: cron expressions of five fields.
    :param timezone: their time zone.
    :param jitter: least and greatest delay, seconds.
    :param salt: whose clock it is: others get other delays at the same moment.
    """

    def __init__(self, *crons: str, timezone: Any, jitter: tuple[float, float], salt: str, **options: Any) -> None:
        super().__init__(*crons, timezone=timezone, **options)
        self._jitter = (float(jitter[0]), float(jitter[1]))
        self._salt = salt

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> JitteredCronTimetable:
        """Return the timetable that :meth:`serialize` described."""
        from airflow._shared.timezones.timezone import parse_timezone

        low, high = data["jitter"]
        return cls(*data["expressions"], timezone=parse_timezone(data["timezone"]), jitter=(low, high), salt=data["salt"])

    def serialize(self) -> dict[str, Any]:
        """Return plain data for the serialized DAG."""
        return {**super().serialize(), "jitter": list(self._jitter), "salt": self._salt}

    @property
    def summary(self) -> str:
        """What Airflow shows as the schedule."""
        return f"{super().summary} (+ {self._jitter[0]:g} to {self._jitter[1]:g} s)"

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next run of the expressions, delayed."""
        found = super().next_dagrun_info(last_automated_data_interval=last_automated_data_interval, restriction=restriction)
        if found is None:
            return None
        delay = fire_delay(self._jitter, self._salt, found.run_after.isoformat())
        return found._replace(run_after=found.run_after + dt.timedelta(seconds=delay))
