from __future__ import annotations

from api_client import TestClient


def test_the_process_worker_has_a_template_that_a_pool_takes(api: TestClient) -> None:
    workers = api.get("/collections/views/aggregate-worker-metadata").json()
    template = workers["prefect"]["process"]["default_base_job_configuration"]
    made = api.post("/work_pools/", json={"name": "local", "type": "process", "base_job_template": template})
    assert (made.status_code, made.json()["base_job_template"]) == (201, template)


def test_every_worker_has_what_clients_read(api: TestClient) -> None:
    packages = api.get("/collections/views/aggregate-worker-metadata").json()
    for package, workers in packages.items():
        for type, worker in workers.items():
            assert (worker["type"], worker["install_command"]) == (type, f"pip install {package}")
            assert worker["display_name"]
            assert worker["description"]


def test_a_view_that_nobody_knows(api: TestClient) -> None:
    answer = api.get("/collections/views/nope")
    assert (answer.status_code, answer.json()) == (404, {"detail": "View nope not found in registry"})
    assert api.get("/collections/views/demo-flows").json() == {}
