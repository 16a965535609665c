"""The study file: TOML in, a validated `Study` out, or one error that names every wrong key and its fix."""

import os
import tomllib
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from consent.agents import read_registry
from consent.dialects import DIALECTS
from pipeline.corpora import SECTION, Corpus, check_listed, read_corpora
from pipeline.key import REQUIRED_THERE, Problem, find_section
from pipeline.layout import Layout
from pipeline.probe_settings import ProbeSettings, build_probe, check_probe, check_probe_lists
from pipeline.sites import read_sites
from pipeline.storage.choice import is_bucket
from pipeline.study_keys import KEYS, check_document
from pipeline.url_keys import UrlSettings, build_urls, check_urls
from snapshots.access import AccessError, AccessPolicy, find_address, find_objections


class StudyError(ValueError):
    """The study file cannot be used; the text names file, key and fix, one problem a line."""


@dataclass(frozen=True, slots=True)
class CrawlRange:
    """Crawls from one id to another, both included; None leaves an end open."""

    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Study:
    """A validated study. Paths are absolute: relative ones in the file are relative to the file.

    `output` is the root of the bucket that tables and receipts go to, empty where they go to `folder`.
    `probe` is None when the study probes no live sites, `urls` when it draws no URLs.
    """

    path: Path
    name: str
    title: str
    archive_root: str
    crawls: str | tuple[str, ...] | CrawlRange
    mode: str
    serials: int | None
    requests_per_s: float
    cooldown_s: float
    contact: str
    is_inside_aws: bool
    sites_file: Path | None
    registry: Path | None
    track: tuple[str, ...] | None
    dialects: tuple[str, ...]
    workers: int
    folder: Path
    store: Path | str | None = None
    output: str = ""
    probe: ProbeSettings | None = None
    urls: UrlSettings | None = None
    corpora: tuple[Corpus, ...] = ()
    license: str = "CC-BY-4.0"
    engine: str = "local"
    master: str = ""
    slices: int = 100
    sbatch: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """Where the study's output stands."""
        return Layout(self.folder, self.store, self.output)

    @property
    def access(self) -> AccessPolicy:
        """The terms on which the archive is read."""
        return AccessPolicy(self.requests_per_s, self.cooldown_s, self.contact, self.is_inside_aws)


def read_study(path: Path) -> Study:
    """Read and validate a study file. Raises StudyError; nothing has been run or written by then."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such study file. Give the path of a TOML file.") from None
    except IsADirectoryError:
        raise StudyError(f"{path} is a folder. Give the path of the study file in it.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: not valid TOML: {error}. Mend that line.") from None
    problems = check_document(document)
    if problems:
        raise StudyError("\n".join(f"{path}: {problem}" for problem in problems))
    values = {key.name: _lookup(document, key.section, key.key, key.default) for key in KEYS}
    if values["output.work"] and not is_bucket(str(values["output.folder"])):
        what = "the output goes to a folder, and all work is done in it"
        raise StudyError(
            f"{path}: {Problem('output', 'work', what, 'remove work, or name a bucket as folder')}"
        )
    study = replace(_build(path.resolve(), values), corpora=read_corpora(document))
    drawing = check_urls(study.urls is not None, study.sites_file is not None)
    problems = (*_check_files(study), *_check_archive(study), *_check_probe(study), *drawing)
    if problems:
        raise StudyError("\n".join(f"{path}: {problem}" for problem in problems))
    return study


def check_lists(study: Study) -> None:
    """Read the study's lists for their errors alone, before hours of work rest on them.

    Raises ListError, RegistryError, and StudyError for a tracked agent that the registry does not have
    for corpora that the site list contradicts, and for a probe whose identities, hosts or test network
    cannot be used.
    """
    if study.sites_file:
        problems = [*check_listed(study.corpora, read_sites(study.sites_file))]
        if problems:
            raise StudyError("\n".join(f"{study.path}: {problem}" for problem in problems))
    registry = read_registry(study.registry)
    known = {agent.agent for agent in registry.agents}
    for token in study.track or ():
        if registry.spelling(token) not in known:
            near = get_close_matches(token, known, 1)
            fix = f"did you mean {near[0]}?" if near else "give a token that the registry has"
            what = f"the registry has no agent {token!r}"
            raise StudyError(f"{study.path}: {Problem('agents', 'track', what, fix)}")
    if study.probe and study.sites_file:
        problems = check_probe_lists(study.probe, study.sites_file, registry)
        if problems:
            raise StudyError("\n".join(f"{study.path}: {problem}" for problem in problems))


def _lookup(document: dict[str, object], section: str, key: str, default: object) -> object:
    content = find_section(document, section)
    return content.get(key, default) if isinstance(content, dict) else default


def _build(path: Path, values: dict[str, object]) -> Study:
    def file(name: str) -> Path | None:
        return (path.parent / str(values[name])).resolve() if values[name] else None

    track, serials = values["agents.track"], values["archive.serials"]
    root, has_probe = str(values["archive.root"]), values["probe.contact"] is not REQUIRED_THERE
    name = str(values["study.name"])
    output, store = (str(values[f"output.{key}"]).rstrip("/") for key in ("folder", "store"))
    return Study(
        path=path,
        name=name,
        title=str(values["study.title"] or name),
        license=str(values["study.license"]),
        archive_root=root if "://" in root else str((path.parent / root).resolve()),
        crawls=_crawls(values["archive.crawls"]),
        mode=str(values["archive.mode"]),
        serials=int(str(serials)) if serials is not None else None,
        requests_per_s=float(str(values["archive.requests_per_s"])),
        cooldown_s=float(str(values["archive.cooldown_s"])),
        contact=str(values["archive.contact"] or (values["probe.contact"] if has_probe else "")),
        is_inside_aws=values["archive.i_am_inside_aws"] is True,
        sites_file=file("sites.file"),
        registry=file("agents.registry"),
        track=tuple(map(str, track)) if isinstance(track, list) else None,
        dialects=_dialects(values["declare.dialects"]),
        workers=int(str(values["engine.workers"] or os.cpu_count() or 1)),
        folder=_folder(path, values, name),
        store=store if is_bucket(store) else file("output.store"),
        output=output if is_bucket(output) else "",
        probe=build_probe(path, values) if has_probe else None,
        engine=str(values["engine.name"]),
        master=str(values["engine.master"]),
        slices=int(str(values["engine.slices"])),
        sbatch=tuple(map(str, sbatch)) if isinstance(sbatch := values["engine.sbatch"], list) else (),
        urls=build_urls(values),
    )


def _folder(path: Path, values: dict[str, object], name: str) -> Path:
    """The folder of this machine: the output folder, or beside a bucket the one named for work."""
    output, work = str(values["output.folder"]), str(values["output.work"])
    return (path.parent / ((work or f"{name}-work") if is_bucket(output) else output)).resolve()


def _crawls(value: object) -> str | tuple[str, ...] | CrawlRange:
    if isinstance(value, dict):
        return CrawlRange(value.get("from"), value.get("to"))
    return tuple(map(str, value)) if isinstance(value, list) else str(value)


def _dialects(value: object) -> tuple[str, ...]:
    """The wanted dialects in the project's order, always with the default one."""
    names = [dialect.name for dialect in DIALECTS]
    wanted = set(map(str, value)) if isinstance(value, list) else set(names)
    return tuple(name for name in names if name in wanted | {names[0]})


def _check_files(study: Study) -> list[Problem]:
    files = (("sites", "file", study.sites_file), ("agents", "registry", study.registry))
    problems = [
        Problem(
            section,
            key,
            f"there is no file {file}",
            "give the path of a CSV file, relative to the study file",
        )
        for section, key, file in files
        if file is not None and not file.is_file()
    ]
    if study.mode == "index" and study.sites_file is None:
        what = "mode index looks up the hosts of [sites] file, and there is none"
        fix = 'add [sites] file, or give mode = "scan"'
        problems.append(Problem("archive", "mode", what, fix))
    if study.corpora and study.sites_file is None:
        what = "its sections speak of columns of [sites] file, and there is none"
        problems.append(Problem(SECTION, "", what, "add [sites] file"))
    if "://" not in study.archive_root and not Path(study.archive_root).is_dir():
        fix = "give a folder laid out like data.commoncrawl.org, or an https:// address"
        problems.append(Problem("archive", "root", f"there is no folder {study.archive_root}", fix))
    return problems


def _check_archive(study: Study) -> list[Problem]:
    """Whether the archive can be read on these terms; nothing is asked of it."""
    try:
        address = find_address(study.archive_root)
        objections = find_objections(address, study.access) if address else ()
    except AccessError as error:
        objections = error.objections
    return [Problem("archive", *objection) for objection in objections]


def _check_probe(study: Study) -> list[Problem]:
    """Whether the probe can be carried out as the study file has it; its lists are not read."""
    if study.probe is None:
        return []
    problems = check_probe(study.probe)
    if study.sites_file is None:
        what = "the probe asks the hosts of [sites] file, and there is none"
        problems.append(Problem("probe", "", what, "add [sites] file"))
    return problems
