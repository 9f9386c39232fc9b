"""Addresses of Label Studio's own pages."""

from trustai_web.campaigns.models import BatchTask, Campaign, Round


class TabLinks:
    """Into a project's Data Manager, with the tasks of one tab where there is one."""

    def __init__(self, campaign: Campaign, view_id: int | None) -> None:
        self._data = f"{campaign.connection.url}/projects/{campaign.project_id}/data"
        self._tab = f"tab={view_id}&" if view_id is not None else ""

    @property
    def tab(self) -> str:
        """The Data Manager with the tasks of the tab alone."""
        return f"{self._data}?{self._tab}".rstrip("?&")

    @property
    def stream(self) -> str:
        """The label stream within the tab; only where the browser is set to "Label Tasks As Displayed"."""
        return f"{self._data}?{self._tab}labeling=1"

    def task(self, task: BatchTask) -> str:
        return self.task_id(task.task_id)

    def task_id(self, task_id: int) -> str:
        """One task, with only the batch in the list beside it: the way that holds in every mode."""
        return f"{self._data}?{self._tab}task={task_id}"

    def other_task(self, task_id: int) -> str:
        """One task that is not in the batch, so that its list would not hold it."""
        return f"{self._data}?task={task_id}"


class LabelStudioLinks(TabLinks):
    """Where a round's batch is labelled."""

    def __init__(self, round_: Round) -> None:
        super().__init__(round_.campaign, round_.view_id)
