"""The flags that many commands share, one table for both doors: `fast.py` reads it by hand, `commands.py` by Typer.

Nothing is imported here: the hot commands start from this module (DESIGN.md section 9).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Flag:
    """One option: its spellings, and what its value is.

    aliases  spellings that the help does not show: Prefect's
    metavar  what the help calls the value; None makes it a switch
    many     may be given several times, and its values are collected in a list
    choices  the values it takes, any if empty
    number   its value is a whole number of at least 1
    """

    __slots__ = ("aliases", "choices", "help", "many", "metavar", "name", "number", "spellings")

    def __init__(
        self,
        *spellings: str,
        help: str,
        metavar: str | None = None,
        many: bool = False,
        choices: tuple[str, ...] = (),
        number: bool = False,
        aliases: tuple[str, ...] = (),
    ) -> None:
        self.spellings = spellings
        self.aliases = aliases
        self.name = spellings[0].lstrip("-").replace("-", "_")
        self.help = help
        self.metavar = metavar or "|".join(choices) or None
        self.many = many
        self.choices = choices
        self.number = number

    @property
    def is_switch(self) -> bool:
        """Whether it stands alone, without a value."""
        return self.metavar is None


FORMATS = ("table", "wide", "json", "jsonl", "yaml", "csv", "id")

GLOBAL = (
    Flag("--db", metavar="PATH", help="Database file, instead of FLOWCTL_DB or the user's own."),
    Flag(
        "--api", metavar="URL", help="A server instead of the file, flowctl's or Prefect's: http://127.0.0.1:4200/api."
    ),
    Flag("--context", metavar="NAME", help="A server or file that `flowctl config context add` named; local: none."),
    Flag("--output", "-o", metavar="FORMAT", choices=FORMATS, help="table, wide, json, jsonl, yaml, csv or id."),
    Flag("--json", help="The same as -o json: the shape of Prefect's API."),
    Flag(
        "--fields", metavar="A,B", many=True, help="Only these fields of the API's shape; state.message reaches inside."
    ),
    Flag("--no-headers", help="Leave out the line of column names."),
    Flag("--quiet", "-q", help="Print ids only."),
    Flag("--verbose", "-v", help="On an unexpected error, print where it happened."),
    Flag(
        "--color",
        metavar="WHEN",
        choices=("auto", "always", "never"),
        help="auto, always or never; auto follows NO_COLOR, FORCE_COLOR and TERM.",
    ),
    Flag("--no-pager", help="Do not page long output."),
    Flag("--yes", "-y", help="Do not ask before destroying."),
    Flag("--dry-run", help="Tell what would happen, and change nothing."),
    Flag("--wait-lock", metavar="TIME", help="How long to wait for another process that is writing (5s)."),
    Flag("--utc", help="Show times in UTC instead of local time."),
    Flag("--read-only", help="Open the database for reading only."),
)

SELECTION = (
    Flag(
        "--state",
        metavar="STATE,…",
        many=True,
        help="State type or name, several with commas: failed,crashed,Late.",
        aliases=("--state-type",),
    ),
    Flag("--flow", metavar="FLOW", many=True, help="Name or id of the flow.", aliases=("--flow-name",)),
    Flag("--deployment", metavar="DEPLOYMENT", many=True, help="FLOW/DEPLOYMENT, name or id of the deployment."),
    Flag("--no-deployment", help="Only runs that no deployment made."),
    Flag("--pool", metavar="POOL", many=True, help="Name of the work pool."),
    Flag("--queue", metavar="QUEUE", many=True, help="Name of the work queue."),
    Flag("--tag", metavar="TAG", many=True, help="Has this tag; given twice, has both."),
    Flag("--any-tag", metavar="TAG", many=True, help="Has one of these tags."),
    Flag("--name", metavar="GLOB", help="Name of the run; *, ? and [abc] are wildcards."),
    Flag("--param", metavar="K=V", many=True, help="Was called with this parameter; outer.inner reaches inside."),
    Flag("--since", metavar="TIME", help="Started (or is due) since: 2h, 7d, today, 2026-01-31T10:00."),
    Flag("--until", metavar="TIME", help="Started (or was due) before this time."),
    Flag("--older-than", metavar="AGE", help="Started (or was due) longer ago than this: 30d."),
    Flag("--late", help="Should have started by now, and has not."),
    Flag("--stuck", help="Pending for more than 5 minutes, or cancelling for more than 1."),
    Flag("--root", help="Only runs that no other run called."),
    Flag("--parent", metavar="RUN", help="Only runs that this run called."),
)

LISTING = (
    Flag("--limit", metavar="N", number=True, help="At most so many (50)."),
    Flag("--all", help="No limit."),
)

RUN_SORTS = ("start", "-start", "duration", "-duration", "name", "-name")

RUNS_LISTING = (
    *SELECTION,
    *LISTING,
    Flag(
        "--sort", metavar="ORDER", choices=RUN_SORTS, help="start, duration or name; with a minus descending (-start)."
    ),
)

FLOW_SORTS = ("name", "-name", "created", "-created", "start", "-start")

FLOWS_LISTING = (
    Flag("--name", metavar="GLOB", help="Name of the flow; *, ? and [abc] are wildcards."),
    Flag("--tag", metavar="TAG", many=True, help="Has this tag; given twice, has both."),
    *LISTING,
    Flag(
        "--sort",
        metavar="ORDER",
        choices=FLOW_SORTS,
        help="name, created or start (of the last run); with a minus descending (name).",
    ),
)


class Globals:
    """The values of the GLOBAL flags of one invocation."""

    db: str | None = None
    api: str | None = None
    context: str | None = None
    output: str = "table"
    json: bool = False
    fields: Sequence[str] = ()
    no_headers: bool = False
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    no_pager: bool = False
    yes: bool = False
    dry_run: bool = False
    wait_lock: str | None = None
    utc: bool = False
    read_only: bool = False

    def __init__(self, given: Mapping[str, object]) -> None:
        self.__dict__.update(given)

    @property
    def format(self) -> str:
        """One of FORMATS."""
        return "id" if self.quiet else "json" if self.json else self.output

    @property
    def field_names(self) -> list[str]:
        """What `--fields` lists, commas and repetition taken apart."""
        return [word.strip() for words in self.fields for word in words.split(",") if word.strip()]
