"""Holds Bicep files against the models that Microsoft generates from the schemas of Azure's resources: `bicep.py FOLDER`.

Each resource must be of a version of the API that its model is of, and have only properties that the model has and takes, with values out
of its lists where these are written out; each module must be there and be given the parameters that it declares and no others, and only
outputs that it has may be used; the parameter files must give what `main.bicep` asks for. What is wrong is printed, one line each.

The compiler itself knows more (types of expressions, scopes); it is no package of a registry that this can be run with. Where there is a `bicep`
on the PATH, `make test-observability` builds the files with it too.
"""

import enum
import functools
import importlib
import pathlib
import re
import sys
import typing

from pycep import BicepParser

NETWORK, PRIVATE_DNS, POSTGRES = "azure.mgmt.network", "azure.mgmt.privatedns", "azure.mgmt.postgresqlflexibleservers"
MODELS = {
    "Microsoft.Network/publicIPAddresses": (NETWORK, "PublicIPAddress"),
    "Microsoft.Network/natGateways": (NETWORK, "NatGateway"),
    "Microsoft.Network/virtualNetworks": (NETWORK, "VirtualNetwork"),
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings": (NETWORK, "VirtualNetworkPeering"),
    "Microsoft.Network/virtualNetworks/subnets": (NETWORK, "Subnet"),
    "Microsoft.Network/privateEndpoints": (NETWORK, "PrivateEndpoint"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": (NETWORK, "PrivateDnsZoneGroup"),
    "Microsoft.Network/privateDnsZones": (PRIVATE_DNS, "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (PRIVATE_DNS, "VirtualNetworkLink"),
    "Microsoft.ContainerService/managedClusters": ("azure.mgmt.containerservice", "ManagedCluster"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("azure.mgmt.msi.v2024_11_30", "Identity"),
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": (
        "azure.mgmt.msi.v2024_11_30",
        "FederatedIdentityCredential",
    ),
    "Microsoft.Authorization/roleAssignments": ("azure.mgmt.authorization.v2022_04_01", "RoleAssignmentCreateParameters"),
    "Microsoft.KeyVault/vaults": ("azure.mgmt.keyvault", "VaultCreateOrUpdateParameters"),
    "Microsoft.DBforPostgreSQL/flexibleServers": (POSTGRES, "Server"),
    "Microsoft.DBforPostgreSQL/flexibleServers/databases": (POSTGRES, "Database"),
    "Microsoft.DBforPostgreSQL/flexibleServers/configurations": (POSTGRES, "Configuration"),
    "Microsoft.Cache/redisEnterprise": ("azure.mgmt.redisenterprise", "Cluster"),
    "Microsoft.Cache/redisEnterprise/databases": ("azure.mgmt.redisenterprise", "Database"),
    "Microsoft.OperationalInsights/workspaces": ("azure.mgmt.loganalytics", "Workspace"),
    "Microsoft.Insights/diagnosticSettings": ("azure.mgmt.monitor.v2021_05_01_preview", "DiagnosticSettingsResource"),
}
# What Bicep itself gives a resource.
OF_BICEP = {"name", "parent", "scope", "dependsOn"}

problems = []


def problem(place, text):
    problems.append(f"{place}: {text}")


def versions(package):
    """The versions of the API that the clients of a package ask for."""
    folder = pathlib.Path(importlib.import_module(package).__path__[0])
    texts = (file.read_text(encoding="utf-8") for file in folder.glob("**/*.py") if "models" not in file.parts)
    return {version for text in texts for version in re.findall(r'"(20\d\d-\d\d-\d\d(?:-preview)?)"', text)}


class Model:
    """A model of either generation: what it may be given, and what is below."""

    def __init__(self, package, cls):
        self.package, self.cls = package, cls

    @functools.cached_property
    def fields(self):
        """By name: what is below, and whether it may be given. Not before it is asked for, since models are of each other."""
        cls, fields = self.cls, {}
        if not hasattr(cls, "_attribute_map"):
            cls()  # which is when it learns its fields
            hints = {}
            for base in reversed(cls.__mro__):
                hints.update(base.__dict__.get("__annotations__", {}))
            for attribute, field in cls._attr_to_rest_field.items():
                taken = not field._visibility or bool({"create", "update"} & set(field._visibility))
                fields[field._rest_name] = (self.of_hint(hints.get(attribute)), taken)
        else:
            for attribute, field in cls._attribute_map.items():
                taken = not cls._validation.get(attribute, {}).get("readonly", False)
                # `properties.x` is x in properties.
                *path, last = [part.replace("\0", ".") for part in field["key"].replace("\\.", "\0").split(".")]
                place = fields
                for part in path:
                    place = place.setdefault(part, ({}, True))[0]
                place[last] = (self.named(field["type"].strip("[]{}")) if "{" not in field["type"] else None, taken)
        return fields

    def named(self, name):
        found = getattr(importlib.import_module(self.package + ".models"), name, None)
        if isinstance(found, type) and issubclass(found, enum.Enum):
            return [member.value for member in found]
        return Model(self.package, found) if isinstance(found, type) else None

    def of_hint(self, hint):
        if isinstance(hint, (str, typing.ForwardRef)):
            hint = hint if isinstance(hint, str) else hint.__forward_arg__
            if hint.startswith(("dict", "typing.Dict", "Optional[dict")):
                return None
            names = re.findall(r"_models\.(\w+)", hint)
            return self.named(names[-1]) if names else None
        if typing.get_origin(hint) is dict:
            return None
        if typing.get_origin(hint) is None and isinstance(hint, type) and hint.__module__.startswith(self.package):
            return self.named(hint.__name__)
        for argument in typing.get_args(hint):
            found = self.of_hint(argument)
            if found is not None:
                return found
        return None


def compare(place, value, model, symbols):
    if isinstance(value, list):
        for one in value:
            compare(place, one, model, symbols)
    elif isinstance(model, list):
        # A word that is no name of this file is the word itself.
        if isinstance(value, str) and value not in symbols and "${" not in value and value not in model:
            problem(place, f"{value!r} is none of {', '.join(map(str, model))}")
    elif isinstance(value, dict) and model is not None and not {"operator", "function", "loop_type"} & set(value):
        fields = model.fields if isinstance(model, Model) else model
        for quoted, below in value.items():
            key = quoted.strip("'")
            if key not in fields:
                problem(place, f"no property is called {key}")
                continue
            inner, taken = fields[key]
            if not taken:
                problem(f"{place}.{key}", "is told by Azure and cannot be given")
            compare(f"{place}.{key}", below, inner, symbols)


def config(declared):
    """What a resource or module is given, whatever loop or condition is around it."""
    found = declared["config"]
    while isinstance(found, dict) and ("loop_type" in found or set(found) <= {"condition", "config", "loop_type"}):
        found = found["config"]
    return found


def asked_outputs(value):
    """The pairs of (module, output) in an expression."""
    if isinstance(value, dict):
        below = value.get("operator", {})
        if below.get("type") == "property_accessor":
            first, second = below["operands"]["operand_1"], below["operands"]["operand_2"]
            if isinstance(second, dict) and second.get("operator", {}).get("operands", {}).get("operand_1") == "outputs":
                output = second["operator"]["operands"]["operand_2"]
                if isinstance(first, str) and isinstance(output, str):
                    yield first, output
        for one in value.values():
            yield from asked_outputs(one)
    elif isinstance(value, list):
        for one in value:
            yield from asked_outputs(one)


def check(file, parsed, all_parsed, models):
    symbols = {name for part in ("parameters", "variables", "modules", "resources") for name in parsed.get(part, {})}
    for name, resource in parsed.get("resources", {}).items():
        place = f"{file.name}: {name}"
        kind, version = resource["type"], resource["api_version"]
        if kind not in MODELS:
            problem(place, f"no model is known of {kind}")
            continue
        package, _ = MODELS[kind]
        if version not in models[kind][1]:
            problem(place, f"the model of {kind} is not of {version}")
        if not resource["existing"]:
            given = {key: value for key, value in config(resource).items() if key not in OF_BICEP}
            compare(place, given, models[kind][0], symbols)
    for name, module in parsed.get("modules", {}).items():
        place = f"{file.name}: {name}"
        target = (file.parent / module["detail"]["path"]).resolve()
        if target not in all_parsed:
            problem(place, f"no file is called {module['detail']['path']}")
            continue
        declared = all_parsed[target].get("parameters", {})
        given = config(module).get("params", {})
        for key in given.keys() - declared.keys():
            problem(place, f"{target.name} has no parameter {key}")
        for key in declared.keys() - given.keys():
            if declared[key].get("default") is None:
                problem(place, f"{target.name} is not given {key}")
    for module, output in asked_outputs(parsed):
        target = parsed.get("modules", {}).get(module)
        if target is None:
            problem(file.name, f"no module is called {module}")
        else:
            path = (file.parent / target["detail"]["path"]).resolve()
            if path in all_parsed and output not in all_parsed[path].get("outputs", {}):
                problem(file.name, f"{module} has no output {output}")


def check_parameters(file, main):
    text = file.read_text(encoding="utf-8")
    given = set(re.findall(r"^param (\w+) =", text, re.M))
    for key in given - main["parameters"].keys():
        problem(file.name, f"main.bicep has no parameter {key}")
    for key, parameter in main["parameters"].items():
        # pycep gives the default None where there is none.
        if key not in given and parameter.get("default") is None:
            problem(file.name, f"main.bicep is not given {key}")


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    parser = BicepParser()
    parsed = {}
    for file in sorted(folder.glob("**/*.bicep")):
        try:
            parsed[file] = parser.parse(text=file.read_text(encoding="utf-8"))
        except Exception as error:  # of the parser's library, which has several
            problem(file.name, f"cannot be read: {str(error).splitlines()[0]}")
    kinds = {resource["type"] for one in parsed.values() for resource in one.get("resources", {}).values()}
    models = {}
    for kind in kinds & MODELS.keys():
        package, name = MODELS[kind]
        found = getattr(importlib.import_module(package + ".models"), name)
        named = re.search(r"v(20\d\d)_(\d\d)_(\d\d)(_preview)?$", package)
        of = {"-".join(named.groups()[:3]) + ("-preview" if named[4] else "")} if named else versions(package)
        models[kind] = (Model(package, found), of)
    for file, one in parsed.items():
        check(file, one, parsed, models)
    if folder / "main.bicep" in parsed:
        for file in sorted(folder.glob("*.bicepparam")):
            check_parameters(file, parsed[folder / "main.bicep"])
    print("\n".join(problems) or f"{sum(len(one.get('resources', {})) for one in parsed.values())} resources in {len(parsed)} files")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
