"""The Drupal module: PHP's own judgement of it, with Debian's tools; the contracts by PHPUnit with the shared vectors."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

MODULE = Path(__file__).parents[2] / "drupal" / "flowdrop_airflow"
SOURCES = sorted(path for path in MODULE.rglob("*") if path.suffix in {".php", ".module", ".install"})
YAMLS = sorted(MODULE.rglob("*.yml"))


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is absent: apt-get install php-cli php-xml php-mbstring phpunit php-codesniffer")
    return found


def output_of(*command: str) -> str:
    done = subprocess.run(command, cwd=MODULE, capture_output=True, text=True, check=False, timeout=300)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    return text


def test_every_file_is_php() -> None:
    php = tool("php")
    text = "".join(output_of(php, "-l", str(path)) for path in SOURCES)
    assert text.count("No syntax errors") == len(SOURCES) > 20


def test_the_style_holds() -> None:
    output_of(tool("phpcs"), "-q")


def test_the_contracts_hold() -> None:
    text = output_of(tool("phpunit"))
    found = re.search(r"OK \((\d+) tests", text)
    assert found is not None, text
    assert int(found.group(1)) >= 89


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: str(path.relative_to(MODULE)))
def test_every_yaml_file_is_read(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def classes() -> dict[str, str]:
    """Class name -> text, of the module's own classes."""
    found = {}
    for path in (MODULE / "src").rglob("*.php"):
        name = str(path.relative_to(MODULE / "src").with_suffix("")).replace("/", "\\")
        found[f"\\Drupal\\flowdrop_airflow\\{name}"] = path.read_text(encoding="utf-8")
    return found


def test_routes_lead_to_methods_that_exist_and_all_are_guarded() -> None:
    known = classes()
    routes = yaml.safe_load((MODULE / "flowdrop_airflow.routing.yml").read_text(encoding="utf-8"))
    permissions = set(yaml.safe_load((MODULE / "flowdrop_airflow.permissions.yml").read_text(encoding="utf-8")))
    for name, route in routes.items():
        target = route["defaults"].get("_controller") or route["defaults"]["_form"]
        cls, _, method = target.partition("::")
        assert f"function {method or 'buildForm'}(" in known[cls], name
        guards = route["requirements"]
        assert "_flowdrop_airflow_signature" in guards or "_custom_access" in guards or "_permission" in guards, name
        assert {guards["_permission"]} <= permissions if "_permission" in guards else True


def test_services_have_classes_and_arguments_that_fit() -> None:
    known = classes()
    services = yaml.safe_load((MODULE / "flowdrop_airflow.services.yml").read_text(encoding="utf-8"))["services"]
    for name, service in services.items():
        if "class" not in service or not service["class"].startswith("Drupal\\flowdrop_airflow"):
            continue
        text = known[f"\\{service['class']}"]
        signature = re.search(r"__construct\((.*?)\) \{", text, re.DOTALL)
        wanted = len(re.findall(r"\$\w+", signature.group(1))) if signature else 0
        assert wanted == len(service.get("arguments", [])), name


def test_settings_have_a_schema_and_defaults() -> None:
    settings = yaml.safe_load((MODULE / "config" / "install" / "flowdrop_airflow.settings.yml").read_text(encoding="utf-8"))
    schema = yaml.safe_load((MODULE / "config" / "schema" / "flowdrop_airflow.schema.yml").read_text(encoding="utf-8"))
    assert set(settings) == set(schema["flowdrop_airflow.settings"]["mapping"])
    form = classes()["\\Drupal\\flowdrop_airflow\\Form\\SettingsForm"]
    assert all(f"'{name}'" in form for name in settings)


def test_nothing_but_core_and_flowdrop_is_used() -> None:
    allowed = ("Drupal\\Core\\", "Drupal\\Component\\", "Drupal\\flowdrop", "Symfony\\", "Psr\\", "GuzzleHttp\\", "PHPUnit\\")
    uses = re.compile(r"^use ([\w\\]+);", re.MULTILINE)
    used = {name for path in SOURCES for name in uses.findall(path.read_text(encoding="utf-8"))}
    assert len(used) > 30
    assert [name for name in sorted(used) if not name.startswith(allowed)] == []
