"""The command line: `crawlcensus VERB …`. Results go to stdout, everything else to stderr.

Exit status: 0 fine, 1 a check failed or tasks are missing, 2 the call or the study file is wrong,
130 interrupted. Heavy imports wait until a verb needs them, so that `--help` is immediate.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

STAGES = {
    "discover": "list the releases of the study and their WARC files",
    "capture": "read the WARC files: captures and distinct bodies",
    "urls": "draw URLs of each host from the archive's index of pages; only with [urls] in the study file",
    "declare": "classify every body under every dialect",
    "probe": "ask live sites, politely and with controls, what they do; only with [probe] in the study file",
    "load": "build the DuckDB warehouse",
    "analyse": "build the models inside the warehouse",
    "publish": "write the CSV dataset",
    "report": "write report.html",
}


def build_parser() -> argparse.ArgumentParser:
    """The whole command line as an argparse parser."""
    parser = argparse.ArgumentParser(
        prog="crawlcensus",
        description="How open the web still is to those who train open models on it: "
        "robots.txt in Common Crawl's snapshots, read, dated and counted.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    _add_stages(verbs)
    _add_cluster(verbs)
    _add_questions(verbs)
    _add_sites(verbs)
    demo = verbs.add_parser("demo", help="run the main job on the bundled miniature archive")
    demo.add_argument("--output", type=Path, default=Path("demo"), help="folder to write to (default: demo)")
    return parser


def _add_stages(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    texts = {"run": "run every stage of a study, or go on where the last run stopped", **STAGES}
    for verb, text in texts.items():
        stage = verbs.add_parser(verb, help=text, description=text)
        stage.add_argument("study", type=Path, help="study file (TOML)")
        stage.add_argument("--dry-run", action="store_true", help="print the plan and do nothing")
        if verb == "probe":
            _add_probe(stage)
            continue
        stage.add_argument(
            "--allow-missing",
            action="store_true",
            help="go on without tasks that failed and files that the archive lacks; coverage will say so",
        )


def _add_cluster(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    submit = verbs.add_parser(
        "submit", help="run a study on Slurm: submit what is missing, and go on after it"
    )
    submit.add_argument("study", type=Path, help="study file (TOML) with [engine] name = slurm")
    submit.add_argument("--allow-missing", action="store_true", help="as for run")
    submit.add_argument("--after", default="", metavar="SLICES", help=argparse.SUPPRESS)
    submit.add_argument("--run", default="", help=argparse.SUPPRESS)
    work = verbs.add_parser("work", help="run one slice of a plan; what an element of a job array calls")
    work.add_argument("study", type=Path, help="study file (TOML)")
    work.add_argument("slices", type=Path, help="folder of slices, as written by submit")
    work.add_argument(
        "--slice", type=int, metavar="N", help="number of the slice (default: SLURM_ARRAY_TASK_ID)"
    )
    work.add_argument("--run", default="", help=argparse.SUPPRESS)


def _add_probe(stage: argparse.ArgumentParser) -> None:
    stage.add_argument(
        "--due", action="store_true", help="go on with what is due now; no new hosts, no new campaign"
    )
    stage.add_argument(
        "--for", type=_seconds, dest="max_seconds", metavar="SECONDS", help="ask nothing new after so long"
    )
    stage.add_argument(
        "--shard",
        type=_shard,
        default=(1, 1),
        metavar="I/N",
        help="work on the I-th of N parts of the domains; the others are other processes' or machines'",
    )
    stage.add_argument("--new", action="store_true", help="begin another campaign when the last one is over")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError
    return seconds


def _shard(text: str) -> tuple[int, int]:
    part, n = map(int, text.split("/"))
    if not 1 <= part <= n:
        raise ValueError
    return part, n


def _add_questions(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    crawls = verbs.add_parser("crawls", help="list the releases of an archive or of a study")
    crawls.add_argument("source", help="study file, folder or address of an archive")
    crawls.add_argument(
        "--contact", default="", help="e-mail address or page for the User-Agent; an address needs it"
    )
    status = verbs.add_parser("status", help="what is done, what is left, what failed and why")
    status.add_argument("study", type=Path, help="study file")
    status.add_argument(
        "--missing",
        action="store_true",
        help="print, as CSV, every host that a release holds no answer of, and why",
    )
    sql = verbs.add_parser("sql", help="ask the warehouse in SQL")
    sql.add_argument("source", type=Path, help="study file, output folder or .duckdb file")
    sql.add_argument("query", nargs="?", default="-", help="one SELECT; - reads it from stdin")
    sql.add_argument(
        "--format", choices=("table", "csv", "json"), default="table", help="json is one object a line"
    )
    diff = verbs.add_parser(
        "diff",
        help="what is different between two releases of a dataset, and why",
        description="Exit status 0: nothing is different; 1: something is; 2: wrong call.",
    )
    diff.add_argument("old", type=Path, help="folder of a dataset, or output folder of a study")
    diff.add_argument("new", type=Path, help="the same of the other release")
    diff.add_argument("--output", type=Path, help="CSV file for every difference, a line per changed cell")
    diff.add_argument("--limit", type=int, default=5, help="examples of each table to print (default: 5)")
    explain = verbs.add_parser(
        "explain",
        help="what one robots.txt says to one or more agents: which group, which line, which level and why",
        description="SOURCE is a file, or a URL whose archived robots.txt is looked up in --study. "
        "Without SOURCE, JSON lines on stdin, one answer a line: "
        '{"id", "content" or "content_b64", "agents", "url"}.',
    )
    explain.add_argument("source", nargs="?", default="-", help="file, URL, or - for JSON lines on stdin")
    explain.add_argument(
        "--agent", action="append", default=[], help="product token; several are asked one by one"
    )
    explain.add_argument(
        "--url", help="also say whether this URL may be fetched (as text: nothing is fetched)"
    )
    explain.add_argument("--dialect", default="rfc9309", help="which reading (default: rfc9309)")
    explain.add_argument("--study", type=Path, help="study file or output folder in which a URL is looked up")
    explain.add_argument("--snapshot", help="which release to look in (default: the last that has the host)")
    explain.add_argument("--json", action="store_true", help="one JSON line for each agent")


def _add_sites(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sites = verbs.add_parser(
        "sites",
        help="make the site list of a published study from its own counts",
        description="The site list goes to stdout or --output, what was merged and left out to stderr."
        " --recipe prints the study file that goes with it.",
    )
    sites.add_argument("name", choices=("consent-in-crisis",), help="which study")
    sites.add_argument("counts", nargs="?", type=Path, help="its file of counts, as published (CSV)")
    sites.add_argument("--output", type=Path, default=Path("-"), help="CSV file to write (default: stdout)")
    sites.add_argument("--recipe", action="store_true", help="print the study file instead")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        print(f"crawlcensus {version('crawlcensus')}")
        return 0
    if options.verb is None:
        parser.print_help(sys.stderr)
        return 2
    has_module = options.verb == "probe" or options.verb not in ("run", *STAGES)
    module = options.verb if has_module else "stages"
    command = importlib.import_module(f"pipeline.commands.{module}")
    return _call(command.main, options)


def _call(command: object, options: argparse.Namespace) -> int:
    """Call a verb; the errors that users can mend become one clear text and an exit status."""
    from pipeline.commands.errors import status_of, text_of

    try:
        return int(command(options))  # type: ignore[operator]
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to go on where this stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except BaseException as error:
        # Known by name: to catch the classes themselves, their libraries would have to be loaded.
        status = status_of(error)
        if status is None:
            raise
        print(f"crawlcensus: {text_of(error)}", file=sys.stderr)
        return status


if __name__ == "__main__":
    sys.exit(main())
