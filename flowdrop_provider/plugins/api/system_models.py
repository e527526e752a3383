"""The shapes of the answers about the deployment itself: configuration, check-up, rules for notices."""

from __future__ import annotations

from typing import Literal

from flowdrop_provider.plugins.api.models import Answer

__all__ = ["DoctorAnswer", "NoticeRulesAnswer", "NoticeTestAnswer", "SystemConfigAnswer"]

CheckLevel = Literal["ok", "unknown", "warning", "error"]


class Check(Answer):
    """One verdict of the check-up; the part of an id behind a colon names one of several things."""

    id: str
    level: CheckLevel
    title: str
    found: str
    advice: str


class CheckUp(Answer):
    """What to change in a deployment and why; ``level`` is the worst of all checks."""

    level: CheckLevel
    counts: dict[CheckLevel, int]
    connected: bool
    versions: dict[str, str]
    checks: list[Check]


class Caller(Answer):
    """What whoever asks may do with the deployment itself."""

    administrator: bool


class SystemConfig(Answer):
    """What this server serves, its limits and the caller's place in it."""

    version: str
    features: dict[str, bool]
    limits: dict[str, int]
    caller: Caller


class SystemConfigAnswer(Answer):
    """Answer of the configuration."""

    success: Literal[True]
    data: SystemConfig


class DoctorAnswer(Answer):
    """Answer of a check-up."""

    success: Literal[True]
    data: CheckUp


class NoticeChannel(Answer):
    """Where a notice goes: ``to`` names people, a connection or a class."""

    kind: Literal["mail", "webhook", "notifier"]
    to: str


class NoticeRule(Answer):
    """One rule for notices; ``workflows`` are patterns of DAG ids, ``on`` the kinds of notices."""

    rule: str
    workflows: list[str]
    on: list[str]
    channels: list[NoticeChannel]


class NoticeRulesAnswer(Answer):
    """Answer of the rules for notices."""

    success: Literal[True]
    data: list[NoticeRule]


class TriedChannel(NoticeChannel):
    """What came of a test message; ``seconds`` is how long the channel took."""

    sent: bool
    error: str | None
    seconds: float


class NoticeTest(Answer):
    """What came of a rule's test; ``sent`` when all channels took it."""

    rule: str
    sent: bool
    channels: list[TriedChannel]


class NoticeTestAnswer(Answer):
    """Answer of a test of a rule."""

    success: Literal[True]
    data: NoticeTest
