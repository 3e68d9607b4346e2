"""The project, as tasks open it: an outage of the record's database costs them a wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from resources.errors import SettingError

if TYPE_CHECKING:
    from assets.engine import Project


def open_patiently() -> Project:
    """Open the project; whatever asks the record waits while its database is away."""
    from assets.engine import open_project
    from catalog.open import wait_for_outages

    try:
        project = open_project()
    except SettingError as error:  # a host that is set up otherwise: trying again is of no use
        raise AirflowFailException(str(error)) from error
    wait_for_outages(project.events, project.settings.outage_seconds)
    return project
