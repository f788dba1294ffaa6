"""The tree of commands as data: which module has which command, and what the first help page says of each.

Nothing is imported here: `flowctl --help` is printed from this table, and a command loads its own module only
(`lazy.py`).  A test compares it with the modules.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` takes longer to load than the rest of a `flowctl --help` may (DESIGN.md section 9)
if TYPE_CHECKING:
    from collections.abc import Mapping

SENTENCE = "Prefect's control plane in one small program with an embedded SQLite database."

EXAMPLES = """
flowctl serve
flowctl runs ls --state failed,crashed --since 2d
flowctl runs show @last-failed
flowctl runs logs brisk-otter -f
"""


class Noun:
    """A group of commands.

    modules   module -> the names of its commands that are the group's
    groups    groups inside the group, by name
    aliases   other spellings of its commands, which the help does not show
    first     names of the commands that the help shows first
    """

    __slots__ = ("aliases", "examples", "first", "groups", "hidden", "modules", "sentence")

    def __init__(
        self,
        sentence: str,
        *examples: str,
        aliases: Mapping[str, str] | None = None,
        groups: Mapping[str, Noun] | None = None,
        first: str = "",
        hidden: bool = False,
        **modules: str,
    ) -> None:
        self.sentence = sentence
        self.examples = "\n".join(examples)
        self.aliases = aliases or {}
        self.groups = groups or {}
        self.first = first.split()
        self.hidden = hidden
        self.modules = {module: names.split() for module, names in modules.items()}


class Lone:
    """A command that stands in no group, or a group with ways of its own: `module` has it, as its `app` or by name."""

    __slots__ = ("function", "hidden", "module", "sentence")

    def __init__(self, sentence: str, module: str, function: str = "") -> None:
        self.sentence = sentence
        self.module = module
        self.function = function
        self.hidden = False


_LISTS = {"inspect": "show", "list": "ls"}

TREE: dict[str, Noun | Lone] = {
    "runs": Noun(
        "List, show, follow and change flow runs.",
        "flowctl runs ls --since 2h",
        "flowctl runs cancel brisk-otter",
        aliases=_LISTS,
        first="ls show why tree logs history watch wait create set-state cancel pause suspend resume retry reschedule",
        runs_read="ls show history logs",
        runs_follow="wait watch",
        runs_write="set-state resume cancel",
        runs_reap="reap",
        runs_again="retry reschedule pause suspend",
        runs_create="create",
        runs_tree="tree",
        runs_diff="diff",
        runs_stats="stats",
        runs_inputs="params input tag",
        runs_trash="delete undo trash",
        runs_why="why",
        open_page="open",
    ),
    "tasks": Noun(
        "List, show and change task runs, and tell how tasks are doing.",
        "flowctl tasks ls --run @last",
        "flowctl tasks stats --flow etl",
        aliases=_LISTS,
        tasks="ls show logs",
        tasks_write="set-state delete",
        tasks_stats="stats",
    ),
    "flows": Noun(
        "List, show and delete flows, and tell how they are doing.",
        "flowctl flows ls",
        "flowctl flows stats --since 30d",
        aliases=_LISTS,
        flows="ls show",
        flows_stats="stats delete",
    ),
    "deployments": Noun(
        "List, run, change and schedule deployments.",
        "flowctl deployments ls",
        "flowctl deployments run etl/nightly --wait",
        aliases=_LISTS,
        deployments="ls show pause resume",
        deployments_run="run next",
        deployments_write="update delete",
        deployments_missed="missed-runs",
        schedules="schedule",
    ),
    "logs": Noun(
        "Follow, search and export what all runs log.",
        "flowctl logs tail --level warning",
        'flowctl logs search "connection refused" --since 7d',
        logs="tail",
        logs_search="search",
        logs_index="index",
        logs_export="export stats",
    ),
    "variables": Noun(
        "List, read and set variables: JSON values under a name, for flows and deployments to read.",
        "flowctl variables ls",
        "flowctl variables set city Köln",
        aliases={**_LISTS, "inspect": "get", "show": "get", "delete": "unset"},
        variables="ls get set unset",
        variables_files="dump load",
    ),
    "events": Noun(
        "List, follow and count events.",
        "flowctl events ls --since 2h",
        "flowctl events tail --event prefect.flow-run.",
        aliases=_LISTS,
        events="ls tail stats",
    ),
    "db": Noun(
        "Look after the database file: back it up, check it, prune it, ask it.",
        "flowctl db backup /backups/ --keep 7",
        "flowctl db prune --older-than 90d --dry-run",
        "flowctl db headroom",
        first="path init stats headroom check backup restore prune retention vacuum upgrade query shell",
        database="path init stats headroom",
        database_copies="backup restore",
        database_care="check prune retention vacuum",
        database_query="query",
        database_shell="upgrade shell",
    ),
    "serve": Lone("Serve Prefect's API and the dashboard from the database file, until interrupted.", "serve_tree"),
    "runner": Noun(
        "Run deployments on this machine.",
        "flowctl runner serve flows/etl.py:main --interval 10m",
        "flowctl runner status",
        runner="serve start webserver status",
    ),
    "exec": Lone(
        "Run a command with PREFECT_API_URL set: to the server of this database, or one started for as long as it "
        "takes.",
        "exec_command",
        "run",
    ),
    "import": Noun(
        "Bring the history of another server here.",
        "flowctl import prefect --dry-run",
        "flowctl import prefect http://127.0.0.1:4200/api",
        imports="prefect",
    ),
    "config": Noun(
        "Show and change settings, and name the servers to work on.",
        "flowctl config show --origin",
        "flowctl config set port 4300",
        "flowctl config context use prod",
        first="show get set unset path validate context env",
        groups={
            "context": Noun(
                "Name servers and database files, and choose the one that commands work on.",
                "flowctl config context add prod --api https://flows.example.com/api",
                "flowctl config context use prod",
                aliases=_LISTS,
                config_contexts="ls add use show test rename remove",
            )
        },
        config="show get set unset path validate",
        config_env="env",
    ),
    "status": Lone(
        "Show how the database, the server, its services and the runs are, on one screen.", "status", "status"
    ),
    "ps": Lone(
        "Show the runs that are running, pending, paused, being cancelled or late, how far they are, and where.",
        "ps",
        "ps",
    ),
    "top": Lone(
        "Show what goes on, live: the server, its services, and the active runs with their tasks; like `ps` on a "
        "screen.",
        "top",
        "top",
    ),
    "why": Lone("Tell what a flow run waits for, or why it ended, and the command that helps.", "runs_why", "why"),
    "open": Lone(
        "Open the dashboard, or the page of a run, in the browser, and print its address.", "open_page", "open_page"
    ),
    "api": Lone(
        "Send one request to the API, and print its answer: indented on a terminal, as it came in a pipe.",
        "api_command",
        "api",
    ),
    "doctor": Lone(
        "Look at what a working flowctl needs: file, schema, permissions, disk, port, PREFECT_API_URL, client version.",
        "doctor",
        "doctor",
    ),
    "completion": Lone(
        "Print the script that makes a shell complete commands, states, flows, names and ids: bash, zsh, fish or pwsh.",
        "completion_script",
        "print_completion",
    ),
    "version": Lone(
        "Print the versions of flowctl, of Prefect's API, and of what they stand on.", "version_command", "show_version"
    ),
    "dashboard": Noun(
        "Prefect's spelling of `flowctl open`.",
        "flowctl dashboard open",
        hidden=True,
    ),
    "server": Noun(
        "Prefect's spelling of `flowctl serve`.",
        "flowctl server start",
        hidden=True,
        serve_process="stop",
    ),
}
"""What stands behind `flowctl`, in the order of the help."""
