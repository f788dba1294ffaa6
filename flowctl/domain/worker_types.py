"""The types of workers that Prefect's packages bring, as its clients look them up when they create a work pool.

Of the process worker, which the `prefect` package brings itself, with its template.  A worker of another package
writes its own template into a pool that has none, when it first starts: so an empty one is the right one for them.
"""

from __future__ import annotations

from flowctl.domain.values import JSONObject


def _text(title: str, description: str, **more: object) -> JSONObject:
    return {"title": title, "description": description, "type": "string", **more}


def _texts(title: str, description: str) -> JSONObject:
    return {"title": title, "description": description, "type": "object", "additionalProperties": {"type": "string"}}


_PROCESS_VARIABLES: JSONObject = {
    "name": _text("Name", "What the worker calls the process."),
    "env": _texts("Environment Variables", "Environment variables of the process, beside those of the worker."),
    "labels": _texts("Labels", "Labels of the process."),
    "command": _text("Command", "What to execute instead of the worker's own command for a flow run."),
    "stream_output": {
        "title": "Stream Output",
        "description": "Whether the worker shows what the process prints.",
        "type": "boolean",
        "default": True,
    },
    "working_dir": _text(
        "Working Directory", "Where the process starts; without it in a temporary directory.", format="path"
    ),
}


def _worker(
    package: str, type: str, display_name: str, description: str, template: JSONObject | None = None
) -> JSONObject:
    return {
        "type": type,
        "display_name": display_name,
        "description": description,
        "install_command": f"pip install {package}",
        "documentation_url": "https://docs.prefect.io/v3/concepts/workers",
        "logo_url": None,
        "is_beta": False,
        "default_base_job_configuration": template or {},
    }


_WORKERS = {
    "prefect": [
        _worker(
            "prefect",
            "process",
            "Process",
            "Runs each flow run in a process on the worker's own machine.",
            {
                "job_configuration": {name: f"{{{{ {name} }}}}" for name in _PROCESS_VARIABLES},
                "variables": {"type": "object", "properties": _PROCESS_VARIABLES},
            },
        )
    ],
    "prefect-aws": [_worker("prefect-aws", "ecs", "AWS Elastic Container Service", "Runs flow runs as ECS tasks.")],
    "prefect-azure": [
        _worker(
            "prefect-azure",
            "azure-container-instance",
            "Azure Container Instances",
            "Runs flow runs in Azure container instances.",
        )
    ],
    "prefect-docker": [_worker("prefect-docker", "docker", "Docker", "Runs each flow run in a Docker container.")],
    "prefect-gcp": [
        _worker("prefect-gcp", "cloud-run", "Google Cloud Run", "Runs flow runs as jobs of Cloud Run."),
        _worker("prefect-gcp", "cloud-run-v2", "Google Cloud Run V2", "Runs flow runs as jobs of Cloud Run, API v2."),
        _worker("prefect-gcp", "vertex-ai", "Google Vertex AI", "Runs flow runs as custom jobs of Vertex AI."),
    ],
    "prefect-kubernetes": [
        _worker("prefect-kubernetes", "kubernetes", "Kubernetes", "Runs each flow run as a Kubernetes job.")
    ],
}

WORKER_TYPES: JSONObject = {
    package: {worker["type"]: worker for worker in workers} for package, workers in _WORKERS.items()
}
"""Workers by type, by package."""
