"""The controls of a labelling configuration, and the classes they offer."""

from label_studio_sdk.label_interface.interface import LabelInterface

from al_core.errors import UnsupportedProject
from al_core.types import LabelSpace


def label_space(label_config: str) -> LabelSpace:
    """The control whose classes are scored: the only Choices with a single choice.

    Raises
    ------
    UnsupportedProject
        The configuration cannot be read, or has no such control, or several.
    """
    try:
        interface = LabelInterface(label_config)
        controls = [
            control
            for control in interface.controls
            if control.tag == "Choices" and control.attr.get("choice", "single").startswith("single")
        ]
    except Exception as error:  # the SDK raises whatever its XML and Pydantic parts raise
        raise UnsupportedProject(
            "The labelling configuration of the project cannot be read.",
            f"Open it in Label Studio, Settings, Labeling Interface, and save it again ({type(error).__name__}).",
        ) from None
    if len(controls) != 1:
        found = "none" if not controls else f"{len(controls)}"
        raise UnsupportedProject(
            f"TrustAI scores projects with one single-choice Choices control; this one has {found}.",
            "Pick another project, or change its labelling configuration.",
        )
    control = controls[0]
    if not control.labels:
        raise UnsupportedProject(
            "The Choices control of the project has no fixed classes: each task brings its own.",
            "Pick another project, or list the classes in its labelling configuration.",
        )
    shown = interface.get_tag(control.to_name[0])
    return LabelSpace(
        control=control.name,
        target=shown.name,
        labels=tuple(control.labels),
        data_key=(shown.value or "").lstrip("$"),
        data_type=shown.tag.lower(),
    )
