# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator itself: keys, the life of a task, money, models, the journal and the contract check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.configuration import (
    CREATE_PATH,
    EXPIRED_KEY,
    MANAGEMENT_TOKEN,
    OTHER_WORKSPACE_KEY,
    RESTRICTED_KEY,
)
from tests.simulator.contract import Contract, find_document
from tests.simulator.plain_client import MODEL, PROMPT, PlainClient
from tests.simulator.process import SimulatorProcess

# A task that is still running whenever a test looks.
LONG = 600.0


@pytest.fixture
def client(simulator: SimulatorProcess) -> PlainClient:
    return PlainClient(simulator)


def only_task(simulator: SimulatorProcess) -> dict[str, Any]:
    tasks = simulator.creates()
    assert len(tasks) == 1
    return tasks[0]


# ---- keys


@pytest.mark.parametrize(
    ("key", "code"), [("", "invalid_api_key"), ("sk-wrong", "invalid_api_key"), (EXPIRED_KEY, "expired_api_key")]
)
def test_a_key_that_does_not_count_is_a_401_and_makes_no_task(simulator: SimulatorProcess, key: str, code: str) -> None:
    reply = PlainClient(simulator, key).create()
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, code)
    assert simulator.creates() == []


def test_a_task_of_another_workspace_is_a_403(simulator: SimulatorProcess, client: PlainClient) -> None:
    task_id = client.create_task()
    reply = PlainClient(simulator, OTHER_WORKSPACE_KEY).status(task_id)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "task_not_owned")
    assert client.status(task_id).status_code == 200


def test_a_restricted_key_may_use_and_see_only_its_models(simulator: SimulatorProcess) -> None:
    restricted = PlainClient(simulator, RESTRICTED_KEY)
    reply = restricted.create(model=MODEL)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "model_not_allowed")
    assert restricted.create(model="tripo-p1.0").status_code == 200
    listed = restricted.call("GET", "/v1/models?category=3d").json()["data"]
    assert [model["id"] for model in listed] == ["tripo-p1.0"]


def test_the_models_are_public_but_a_wrong_key_is_refused_there_too(simulator: SimulatorProcess) -> None:
    client = PlainClient(simulator)
    assert client.call("GET", "/v1/models", headers={}).status_code == 200
    assert PlainClient(simulator, "sk-wrong").call("GET", "/v1/models").status_code == 401


def test_the_balance_needs_a_management_token(simulator: SimulatorProcess, client: PlainClient) -> None:
    assert client.call("GET", "/v1/management/balance").status_code == 401
    body = PlainClient(simulator, MANAGEMENT_TOKEN).call("GET", "/v1/management/balance").json()
    assert body["object"] == "organization_balance"


# ---- the life of a task


def test_a_create_answers_200_with_the_ids_and_where_to_poll(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(seconds=LONG)
    reply = client.create()
    body = reply.json()
    assert reply.status_code == 200
    assert body["id"] == body["task_id"] == reply.headers["X-Task-ID"]
    assert (body["poll_url"], body["status"], body["model"]) == (f"/v1/tasks/{body['id']}", "pending", MODEL)
    assert reply.headers["X-Request-ID"]
    assert "model_url" not in body


def test_a_running_task_shows_progress_and_no_result(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(seconds=LONG)
    task_id = client.create_task()
    assert client.status(task_id).json()["status"] == "pending"
    # A new duration is a new place on the way: half of it is over by now.
    simulator.steer(task_id, progress=40, seconds=0.5)
    running = client.wait(task_id, "processing")
    assert running["progress"] == 40
    assert "model_url" not in running
    assert client.wait(task_id)["status"] == "completed"


def test_both_status_routes_tell_the_same(simulator: SimulatorProcess, client: PlainClient) -> None:
    task_id = client.create_task()
    client.wait(task_id)
    assert client.status(task_id).json() == client.call("GET", f"{CREATE_PATH}/{task_id}").json()


def test_an_unknown_task_is_a_404_with_the_published_code(client: PlainClient) -> None:
    reply = client.status("ldtask_" + "0" * 32)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "async_task_not_found")


def test_a_3d_task_cannot_be_cancelled(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(seconds=LONG)
    task_id = client.create_task()
    running = client.call("DELETE", f"/v1/tasks/{task_id}")
    assert (running.status_code, running.json()["error"]["code"]) == (400, "unsupported_task_cancel")
    simulator.steer(task_id, status="completed")
    ended = client.call("DELETE", f"/v1/tasks/{task_id}")
    assert (ended.status_code, ended.json()["error"]["code"]) == (409, "task_not_cancellable")


def test_an_unknown_route_and_a_wrong_method_answer_in_json(client: PlainClient) -> None:
    assert client.call("GET", "/v1/nothing").json()["error"]["type"] == "not_found_error"
    wrong = client.call("PUT", CREATE_PATH)
    assert wrong.status_code == 405
    assert "error" in wrong.json()


# ---- money


def test_a_create_reserves_and_completion_charges_once(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(seconds=LONG)
    task_id = client.create_task()
    task = only_task(simulator)
    assert (task["reserved"], task["charged"], task["released"]) == (True, False, False)
    simulator.steer(task_id, status="completed")
    task = only_task(simulator)
    assert (task["reserved"], task["charged"], task["released"]) == (False, True, False)
    balance = PlainClient(simulator, MANAGEMENT_TOKEN).call("GET", "/v1/management/balance").json()
    assert balance["total_used_decimal"] == task["price_usd"] == "0.4"
    assert balance["balance_decimal"] == "99999.6"


def test_a_failed_task_is_released_and_never_charged(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["task-fails"])
    assert client.finished()["status"] == "failed"
    task = only_task(simulator)
    assert (task["charged"], task["released"], task["billing_transaction_id"]) == (False, True, None)
    balance = PlainClient(simulator, MANAGEMENT_TOKEN).call("GET", "/v1/management/balance").json()
    assert balance["balance"] == balance["total_recharge"]


def test_the_transaction_id_shows_one_status_call_after_completion(
    simulator: SimulatorProcess, client: PlainClient
) -> None:
    task_id = client.create_task()
    assert "billing_transaction_id" not in client.wait(task_id)
    second = client.status(task_id)
    transaction = second.json()["billing_transaction_id"]
    assert second.headers["X-Billing-Transaction-ID"] == transaction == only_task(simulator)["billing_transaction_id"]


def test_an_abandoned_task_is_charged_all_the_same(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(seconds=0)
    client.create_task()
    task = only_task(simulator)
    assert (task["polls"], task["state"], task["charged"]) == (0, "completed", True)


# ---- models


def test_the_3d_list_holds_the_trap_of_another_endpoint(client: PlainClient) -> None:
    listed = client.call("GET", "/v1/models?category=3d&view=compact").json()
    endpoints = {model["id"]: model.get("request_endpoint") for model in listed["data"]}
    assert endpoints["marble-1.1"] == "/v1/worlds/generations"
    assert endpoints[MODEL] == CREATE_PATH
    assert endpoints["hyper3d-gen2"] is None
    assert "seedream-4.5" not in endpoints
    assert listed["count"] == len(endpoints)


def test_the_recommended_list_is_sorted_and_gives_its_reasons(client: PlainClient) -> None:
    listed = client.call("GET", "/v1/models?recommended_for=3d").json()["data"]
    rates = [model["tokenlab"]["agent_preferences"]["3d"]["success_rate_24h"] for model in listed]
    known = [rate for rate in rates if rate is not None]
    assert listed[0]["id"] == MODEL
    assert known == sorted(known, reverse=True)
    assert rates[len(known) :] == [None] * (len(rates) - len(known))


def test_category_and_recommendation_must_agree(client: PlainClient) -> None:
    assert client.call("GET", "/v1/models?category=3d&recommended_for=3d").status_code == 200
    assert client.call("GET", "/v1/models?category=3d&recommended_for=image").status_code == 400


def test_a_model_tells_what_it_takes(client: PlainClient) -> None:
    details = client.call("GET", f"/v1/models/{MODEL}").json()["tokenlab"]["request_format_details"]
    assert details["supported_parameters"] == ["image", "image_url", "format", "seed", "quality", "style", "user"]
    assert details["output_formats"] == ["glb", "fbx", "obj", "usdz"]
    assert details["service_limits"]["prompt_max_characters"] == 1024


def test_a_model_may_publish_nothing(client: PlainClient) -> None:
    extension = client.call("GET", "/v1/models/hyper3d-gen2").json()["tokenlab"]
    assert extension["request_format_details"] is None
    assert extension["request_format_summary"] is None


def test_a_deprecated_model_names_its_replacement(client: PlainClient) -> None:
    lifecycle = client.call("GET", "/v1/models/seed3d-1.0").json()["tokenlab"]["lifecycle"]
    assert (lifecycle["stage"], lifecycle["replacement_model"]) == ("deprecated", "seed3d-2.0")


def test_looking_up_an_unknown_model_is_a_404(client: PlainClient) -> None:
    for path in ("/v1/models/nothing-like-it", "/v1/models/nothing-like-it/pricing"):
        reply = client.call("GET", path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")


def test_prices_are_ranges_of_decimal_strings(client: PlainClient) -> None:
    assert client.call("GET", f"/v1/models/{MODEL}/pricing").json()["pricing_summary"] == {
        "min_price": "0.1",
        "max_price": "0.4",
    }
    listed = client.call("GET", "/v1/pricing?provider=tripo3d").json()["data"]
    assert [entry["model"] for entry in listed] == ["tripo-h3.1", "tripo-p1.0"]


# ---- the journal


def test_the_journal_tells_what_was_asked_and_what_was_made_of_it(
    simulator: SimulatorProcess, client: PlainClient
) -> None:
    client.create(format="glb", seed=7)
    entry = simulator.journal()["requests"][0]
    assert (entry["n"], entry["origin"], entry["method"], entry["path"]) == (1, "api", "POST", CREATE_PATH)
    assert entry["body"] == {"model": MODEL, "prompt": PROMPT, "format": "glb", "seed": 7}
    assert entry["headers"]["Authorization"] == f"Bearer {simulator.key}"
    assert entry["status"] == 200
    task = only_task(simulator)
    assert (task["created_by"], task["model"], task["prompt"], task["request"]) == (1, MODEL, PROMPT, entry["body"])


def test_the_journal_counts_polls_and_leaves_its_own_routes_out(
    simulator: SimulatorProcess, client: PlainClient
) -> None:
    simulator.configure(seconds=LONG)
    task_id = client.create_task()
    client.status(task_id)
    client.status(task_id)
    assert only_task(simulator)["polls"] == 2
    paths = [entry["path"] for entry in simulator.journal()["requests"]]
    assert paths == [CREATE_PATH, f"/v1/tasks/{task_id}", f"/v1/tasks/{task_id}"]


def test_a_body_that_is_not_json_is_in_the_journal_by_its_size(
    simulator: SimulatorProcess, client: PlainClient
) -> None:
    assert client.call("POST", CREATE_PATH, data=b"{not json").status_code == 400
    assert simulator.journal()["requests"][0]["body"]["bytes"] == 9


def test_a_reset_forgets_tasks_requests_and_faults(simulator: SimulatorProcess, client: PlainClient) -> None:
    address = client.finished()["model_url"]
    simulator.configure(faults=["create-500"], seconds=LONG)
    assert client.create().status_code == 500
    simulator.reset()
    assert client.download(address).status_code == 403
    assert [entry["origin"] for entry in simulator.journal()["requests"]] == ["assets"]
    assert simulator.creates() == []
    assert client.finished()["status"] == "completed"


@pytest.mark.parametrize(
    ("changes", "hint"),
    [({"faults": ["no-such-fault"]}, "known are"), ({"speed": 1}, "speed"), ({"assets": Path("nowhere")}, "directory")],
)
def test_a_wrong_configuration_is_refused_by_name(
    simulator: SimulatorProcess, changes: dict[str, Any], hint: str
) -> None:
    with pytest.raises(ValueError, match=hint):
        simulator.configure(**changes)


# ---- the contract


@pytest.fixture
def contract() -> Contract:
    path = find_document()
    if path is None:
        pytest.skip("the service's OpenAPI document is not here (TOKENLAB_OPENAPI names it)")
    return Contract.load(path)


def test_no_answer_of_any_route_violates_the_contract(
    simulator: SimulatorProcess, client: PlainClient, contract: Contract
) -> None:
    task_id = str(client.finished()["id"])
    client.status(task_id)
    client.call("DELETE", f"/v1/tasks/{task_id}")
    client.create(model="no-such-model")
    client.create(negative_prompt="x")
    client.status("unknown")
    PlainClient(simulator, "sk-wrong").status(task_id)
    PlainClient(simulator, OTHER_WORKSPACE_KEY).status(task_id)
    PlainClient(simulator, RESTRICTED_KEY).create()
    PlainClient(simulator, MANAGEMENT_TOKEN).call("GET", "/v1/management/balance")
    for query in ("", "?view=compact", "?category=3d", "?recommended_for=3d", "?recommended_for=3d&view=compact"):
        listed = client.call("GET", f"/v1/models{query}").json()["data"]
    for model in listed:
        client.call("GET", f"/v1/models/{model['id']}")
        client.call("GET", f"/v1/models/{model['id']}/pricing")
    client.call("GET", "/v1/pricing")
    simulator.configure(faults=["task-fails-string"])
    client.finished()
    journal = simulator.journal()
    assert journal["contract_checked"]
    assert journal["contract_violations"] == []


def test_a_request_against_the_contract_is_reported(
    simulator: SimulatorProcess, client: PlainClient, contract: Contract
) -> None:
    assert client.create(format="GLB").status_code == 400
    violations = simulator.journal()["contract_violations"]
    assert [(violation["n"], violation["part"]) for violation in violations] == [(1, "request")]
    assert "'GLB' is not one of" in violations[0]["problem"]


def test_a_faulted_answer_is_no_violation(simulator: SimulatorProcess, client: PlainClient, contract: Contract) -> None:
    simulator.configure(faults=["status-unknown-word", "poll-missing-status", "create-unreadable-200"])
    client.create()
    client.status(only_task(simulator)["id"])
    assert simulator.journal()["contract_violations"] == []


STATUS_PATH = "/v1/tasks/ldtask_0"
GOOD_STATUS = {"id": "ldtask_0", "status": "processing", "progress": 5}


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (STATUS_PATH, 200, {**GOOD_STATUS, "status": "running"}),
        (STATUS_PATH, 200, {**GOOD_STATUS, "progress": 101}),
        (STATUS_PATH, 200, {"status": "processing"}),
        (STATUS_PATH, 404, {"message": "no envelope"}),
        (STATUS_PATH, 403, {"error": {"message": "x", "type": "a_new_type"}}),
        (f"{CREATE_PATH}/ldtask_0", 200, {"id": 5, "status": "pending"}),
        ("/v1/models", 200, {"object": "list", "data": [{"id": "x"}]}),
        ("/v1/models/tripo-h3.1", 200, {"id": "tripo-h3.1", "object": "model"}),
    ],
)
def test_a_planted_violation_is_found(contract: Contract, path: str, status: int, body: dict[str, Any]) -> None:
    assert contract.reply_problems("GET", path, status, "application/json", json.dumps(body).encode())


def test_a_good_answer_has_no_problems(contract: Contract) -> None:
    good = json.dumps(GOOD_STATUS).encode()
    assert contract.reply_problems("GET", STATUS_PATH, 200, "application/json", good) == []
    assert contract.reply_problems("GET", STATUS_PATH, 200, "text/html", good)


def test_without_the_document_nothing_is_checked() -> None:
    unchecked = Contract(None)
    assert not unchecked.is_on
    assert unchecked.reply_problems("GET", STATUS_PATH, 200, "text/html", b"") == []
