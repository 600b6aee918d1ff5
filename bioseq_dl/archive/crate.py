"""An archive's metadata for people and machines elsewhere: RO-Crate 1.1.

Profiles: Process Run Crate 0.5, and where the workflow's files are in the archive Workflow Run
Crate 0.5 with Workflow RO-Crate 1.0 (https://www.researchobject.org/workflow-run-crate/profiles).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from rocrate.model.computationalworkflow import ComputationalWorkflow
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

import bioseq_dl
from bioseq_dl.archive.manifest import NAME as MANIFEST
from bioseq_dl.archive.manifest import Listed
from bioseq_dl.errors import InputError
from bioseq_dl.io.manifest import Fetched

NAME = "ro-crate-metadata.json"
WORKFLOW = "workflow/Snakefile"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
_PROFILES = {
    _PROCESS: "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
_FORMATS = {
    ".json": "application/json",
    ".html": "text/html",
    ".tsv": "text/tab-separated-values",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".parquet": "application/vnd.apache.parquet",
    ".h5ad": "application/x-hdf5",
}
_MEANINGS = {
    "model.pt": "A trained network: weights and what builds it (torch.load, weights only)",
    "train.json": "How a training went: device, precision, epochs, versions, hardware",
    "history.csv": "Learning curve",
    "predictions.parquet": "Raw outputs of a network for validation and test records",
    "metrics.json": "Every metric with its interval, beside the baselines",
    "split.parquet": "Role of each record in each fold",
    "audit.json": "What the audit for leakage between folds found",
    "rejected.tsv": "Records that were left out, and why",
    "sources.json": "Hashes of the inputs",
    "report.html": "The report of all runs of this config",
    "config.yaml": "The config of this run, every default filled in",
    MANIFEST: "Every file of the archive with its sha256 and size",
}
_NO_CRATE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError)
"""What rocrate raises of other JSON: it looks up some of it as files."""
_RESULTS = ("model.pt", "predictions.parquet", "metrics.json", "report.html")


def write_crate(
    name: str,
    description: str,
    date: str,
    licence: str,
    files: Mapping[str, Listed],
    inputs: Mapping[str, Fetched],
) -> bytes:
    """Give ``ro-crate-metadata.json``.

    Parameters
    ----------
    name, description : str
        Of the run.
    date : str
        ISO 8601, when the results were finished.
    licence : str
        Of the archive's contents: an address or words.
    files : mapping
        Every file of the archive but this one; the manifest may be listed without hash.
    inputs : mapping
        Label of a source (its address, or a file's name) to its file.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(_TERMS)
    crate.name, crate.description = name, description
    crate.datePublished, crate.license = date, licence
    for path, listed in sorted(files.items()):
        properties = _describe_file(path, listed)
        if path == WORKFLOW:
            crate.add_workflow(
                None, path, main=True, lang="snakemake", properties=properties,
                cls=ComputationalWorkflow,
            )  # fmt: skip
        else:
            crate.add_file(None, path, properties=properties)
    profiles = list(_PROFILES) if WORKFLOW in files else [_PROCESS]
    for address in profiles:
        properties = {"@type": "CreativeWork", "name": _PROFILES[address]}
        properties["version"] = address.rpartition("/")[2]
        crate.add(ContextEntity(crate, address, properties=properties))
    crate.root_dataset["conformsTo"] = [{"@id": address} for address in profiles]
    software = crate.add(
        ContextEntity(
            crate,
            "#bioseq_dl",
            properties={
                "@type": "SoftwareApplication",
                "name": "bioseq_dl",
                "softwareVersion": bioseq_dl.__version__,
            },
        )
    )
    used: list[Any] = [{"@id": "config.yaml"}]
    for label, item in sorted(inputs.items()):
        address = label if "://" in label else f"#input-{item.sha256[:16]}"
        properties = {
            "@type": "File" if "://" in label else "CreativeWork",
            "name": label,
            "sha256": item.sha256,
            "contentSize": str(item.bytes),
        }
        used.append(crate.add(ContextEntity(crate, address, properties=properties)))
    made = [{"@id": path} for path in sorted(files) if PurePosixPath(path).name in _RESULTS]
    action = crate.add_action(
        crate.mainEntity if WORKFLOW in files else software,
        identifier="#run",
        object=used,
        result=made,
        properties={"@type": "CreateAction", "name": f"Run {name}", "endTime": date},
    )
    crate.root_dataset["mentions"] = [action]
    data = crate.metadata.generate()
    data["@graph"] = sorted(data["@graph"], key=lambda entity: str(entity["@id"]))
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def check_crate(text: bytes, files: Mapping[str, Listed], file: str) -> None:
    """Check an archive's metadata against its files.

    Raises
    ------
    InputError
        Where it is no RO-Crate 1.1, lacks what one must have, or lists other files.
    """
    try:
        version, lacking, listed = _read_crate(text)
    except _NO_CRATE as error:
        raise InputError(
            "no valid RO-Crate metadata", file=file, record=NAME, found=str(error)
        ) from None
    if "https://w3id.org/ro/crate/1.1" not in version:
        raise InputError("no RO-Crate 1.1", file=file, record=NAME, found=version)
    if lacking:
        raise InputError("the root lacks a property", file=file, record=NAME, found=lacking[0])
    wanted = set(files) - {NAME} | {MANIFEST}
    if other := sorted(wanted.symmetric_difference(listed)):
        raise InputError(
            "the metadata list other files than the archive holds",
            file=file,
            record=NAME,
            found=other[0],
        )
    for path, sha256 in sorted(listed.items()):
        if path in files and sha256 != files[path].sha256:
            raise InputError("the metadata name another hash", file=file, record=path)


def _read_crate(text: bytes) -> tuple[str, list[str], dict[str, Any]]:
    """Give the version, what the root lacks, and of every file that is listed its sha256."""
    data = json.loads(text)
    if not data:
        raise ValueError("empty")
    with warnings.catch_warnings(action="ignore"):  # what is odd and matters is checked here
        crate = ROCrate(data)
    root = crate.root_dataset
    wanted = ("name", "description", "datePublished", "license")
    listed = {
        unquote(entity.id): entity.get("sha256")
        for entity in crate.data_entities
        if "://" not in entity.id and not entity.id.startswith("#")
    }
    version = str(crate.metadata["conformsTo"])
    return version, [key for key in wanted if not root.get(key)], listed


def _describe_file(path: str, listed: Listed) -> dict[str, str]:
    place = PurePosixPath(path)
    found = {"name": place.name}
    if listed.sha256:
        found |= {"sha256": listed.sha256, "contentSize": str(listed.bytes)}
    if place.suffix in _FORMATS:
        found["encodingFormat"] = _FORMATS[place.suffix]
    if place.name in _MEANINGS:
        found["description"] = _MEANINGS[place.name]
    return found
