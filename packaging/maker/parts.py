"""A software bill of materials (SBOM): what is in the programs, in CycloneDX's JSON."""

import hashlib
import json
import uuid
from datetime import UTC, datetime

from . import ROOT


def write(file, version, programs, crates, date):
    """Writes the list of parts: our two programs, and the crates in them with their needs."""
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (programs.driver, programs.agent)}
    product = f"pkg:generic/fargate@{version}?arch={programs.machine}"
    references = {(crate.name, "v" + crate.version): reference(crate) for crate in crates}
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same for the same programs.
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([product, digests], sort_keys=True)).urn,
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(date, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": "fargate",
                "version": version,
                "purl": product,
                "licenses": [{"license": {"id": "MIT"}}],
                "components": [
                    {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
                    for name, digest in sorted(digests.items())
                ],
            },
        },
        "components": [component(crate) for crate in crates],
        "dependencies": [
            {"ref": product, "dependsOn": sorted(references[key] for key in references if key[0] in ("fargate", "fargate-agent"))},
            *({"ref": reference(crate), "dependsOn": sorted(references[need] for need in crate.needs)} for crate in crates),
        ],
    }
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def reference(crate):
    return f"pkg:cargo/{crate.name}@{crate.version}"


def component(crate):
    part = {
        "type": "library",
        "bom-ref": reference(crate),
        "name": crate.name,
        "version": crate.version,
        "licenses": [{"expression": crate.licence}],
        "purl": reference(crate),
    }
    if crate.checksum:
        # Of the archive that the registry serves.
        part["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository and not crate.folder.startswith(str(ROOT)):
        part["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return part
