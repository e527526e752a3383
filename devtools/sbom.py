"""A bill of materials of the package: ``python -m devtools.sbom FILE`` writes CycloneDX 1.6 as JSON.

What is listed is what is installed of the runtime dependencies, however deep, with versions, licences and who needs whom. The
same installation gives the same bytes: the moment is ``SOURCE_DATE_EPOCH``, and the serial number follows from the content.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import uuid
from importlib.metadata import Distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from devtools.licences import PACKAGE, field_of, licence_of, requirements, runtime
from devtools.pins import normal

__all__ = ["bill_of_materials"]

_NAMESPACE = uuid.UUID("6f0f1f0e-7f7e-5b0e-9d8a-0f1d0f9c2a11")


def bill_of_materials(distributions: dict[str, Distribution], moment: dt.datetime) -> str:
    """Return the bill of materials of our package as CycloneDX JSON.

    :param distributions: our package and what it needs, by normal name.
    :param moment: when it was made, aware.
    """
    components = {name: _component(name, installed) for name, installed in sorted(distributions.items())}
    own = components[PACKAGE]
    bom = Bom(components=[item for item in components.values() if item is not own])
    bom.metadata.component, bom.metadata.timestamp = own, moment
    bom.serial_number = uuid.uuid5(_NAMESPACE, "\n".join(str(item.purl) for item in components.values()))
    for name, installed in sorted(distributions.items()):
        needed = {normal(item.name) for item in requirements(installed)} & components.keys()
        bom.register_dependency(components[name], [components[other] for other in sorted(needed)])
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def _component(name: str, installed: Distribution) -> Component:
    licence = licence_of(installed)
    return Component(
        type=ComponentType.LIBRARY if name != PACKAGE else ComponentType.APPLICATION,
        name=name,
        version=installed.version,
        purl=PackageURL("pypi", name=name, version=installed.version),
        bom_ref=f"{name}@{installed.version}",
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        description=field_of(installed, "Summary") or None,
    )


def main(arguments: list[str]) -> int:
    """Write the file named by the first argument."""
    moment = dt.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), dt.timezone.utc)
    file = Path(arguments[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    distributions = runtime()
    file.write_text(bill_of_materials(distributions, moment), "utf-8")
    print(f"{file}: {len(distributions)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
