"""The project configuration: one TOML file for the terminal and for the web. See docs/PROJECT_CONFIG.md.

Values come from the file, above it from the environment (``TRUSTAI__TEST_SET__SIZE=100``), above that from flags.
Secrets stand in it by reference alone: ``env:NAME`` or ``file:PATH``.
"""

from al_core.config.project_config import (
    AskingPart,
    BackendPart,
    LabelStudioPart,
    ProjectConfig,
    StartPart,
    StopPart,
    TestSetPart,
)
from al_core.config.reading import ENVIRONMENT_PREFIX, config_of, parse_config, read_config
from al_core.config.references import secret_of

__all__ = [
    "ENVIRONMENT_PREFIX",
    "AskingPart",
    "BackendPart",
    "LabelStudioPart",
    "ProjectConfig",
    "StartPart",
    "StopPart",
    "TestSetPart",
    "config_of",
    "parse_config",
    "read_config",
    "secret_of",
]
