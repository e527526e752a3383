"""Where another system calls a waiting task back: a route of the plugin's API."""

from __future__ import annotations

from flowdrop_provider import conf
from flowdrop_provider.errors import NodeError
from flowdrop_provider.library.callbacks import sign_token

__all__ = ["AirflowCallbacks"]


class AirflowCallbacks:
    """Implements :class:`~flowdrop_provider.nodes.waits.CallbackService`.

    :param task_instance_id: Airflow's id of the task that is going to wait.
    """

    def __init__(self, task_instance_id: object) -> None:
        self._id = str(task_instance_id)

    def make(self, interrupt_id: str, expires_in: float) -> str:  # noqa: ARG002 - Airflow ends the wait, and with it the address
        """Return the address of one wait.

        :raises NodeError: ``callback_unreachable``: the deployment does not say where it is reached.
        """
        base = conf.callback_base_url()
        if not base:
            raise NodeError(
                "Nobody knows the address at which this Airflow is called back.",
                code="callback_unreachable",
                hint="Set [api] base_url, or [flowdrop] callback_base_url where others reach it by another name.",
            )
        return f"{base.rstrip('/')}/flowdrop/api/v1/callbacks/{sign_token(self._id, interrupt_id, conf.seal_keys())}"
