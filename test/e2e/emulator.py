"""
Runs the AWS emulator with additions that these tests need:

- An access log: one line for each principal, action, resource and decision, in the file that ACCESS_LOG names. The emulator's own
  evaluation makes the decisions.
- Authorization as on AWS: the condition keys `dynamodb:Attributes` (for the items of a BatchWriteItem), `ecs:cluster` and, for the tags of
  a task, `aws:ResourceTag`; GetRecords applies to a stream, RunTask to a task definition, and StopTask to a task; RunTask with tags also
  requires TagResource; each statement of a BatchExecuteStatement requires permission for its operation on its table.
- Partial batch failures of streams: when the function reports a failed record, the whole batch is delivered again. AWS redelivers from
  the failed record on.
- Retries of invocations whose process fails to start, which happens when several start at once.
- Retries of failed invocations by SNS: two, after a few seconds. AWS waits for one and two minutes. The emulator drops the message.
- ECS tasks without Docker: a task runs until StopTask, or until SubmitTaskStateChange reports that it has stopped, as the agent of a
  container instance does. EventBridge then receives the event, as on AWS.

These additions depend on internals of the emulator, in the version that requirements.txt names.
"""
import json
import os
import sys
import threading
import time

from ministack.app import main
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import dynamodb, ecs, eventbridge, kinesis, lambda_svc


def record_access(path):
    evaluate = iam_evaluator.evaluate
    lock = threading.Lock()
    seen = set()
    log = open(path, "a", buffering=1, encoding="utf-8")

    def recorded(ctx, *policies):
        result = evaluate(ctx, *policies)
        # Skips evaluations of resource policies.
        if sys._getframe(1).f_code.co_name == "enforce":
            access = (ctx.principal_arn, ctx.action, ctx.resource_arn, result.decision)
            with lock:
                if access not in seen:
                    seen.add(access)
                    log.write(json.dumps(dict(zip(("principal", "action", "resource", "decision"), access))) + "\n")
        return result

    iam_evaluator.evaluate = recorded


def add_condition_keys():
    request_tag_context = iam_actions.request_tag_context

    def context_of(service, iam_action, body, *rest):
        context = request_tag_context(service, iam_action, body, *rest)
        if iam_action == "dynamodb:BatchWriteItem":
            requests = [request for table in json.loads(body)["RequestItems"].values() for request in table]
            items = [request["PutRequest"]["Item"] for request in requests if "PutRequest" in request]
            context = {**context, "dynamodb:Attributes": sorted({name for item in items for name in item})}
        elif iam_action in ("ecs:RunTask", "ecs:ListTasks", "ecs:StopTask"):
            asked = json.loads(body)
            cluster = asked["cluster"]
            arn = cluster if cluster.startswith("arn:") else f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{cluster}"
            task = ecs._resolve_task(asked["task"], ecs._resolve_cluster_name(cluster)) if iam_action == "ecs:StopTask" else None
            tags = task["tags"] if task else []
            context = {**context, "ecs:cluster": arn, **{f"aws:resourcetag/{tag['key']}".lower(): tag["value"] for tag in tags}}
        return context

    iam_actions.request_tag_context = context_of


def name_resources():
    extract_resource_arn = iam_actions.extract_resource_arn

    def resource_of(service, method, path, headers, body, *rest):
        operation = headers.get("x-amz-target", "").split(".")[-1]
        if service == "kinesis" and operation == "GetRecords":
            iterator = kinesis._shard_iterators.get(json.loads(body)["ShardIterator"])
            if iterator:
                return f"arn:aws:kinesis:{get_region()}:{get_account_id()}:stream/{iterator['stream']}"
        if service == "ecs" and operation == "RunTask":
            return json.loads(body)["taskDefinition"]
        if service == "ecs" and operation == "StopTask":
            return json.loads(body)["task"]
        if service == "ecs" and operation == "ListTasks":
            return "*"
        return extract_resource_arn(service, method, path, headers, body, *rest)

    iam_actions.extract_resource_arn = resource_of


def authorize_statements():
    dynamodb_transaction_checks = iam_actions.dynamodb_transaction_checks
    actions = {"INSERT": "dynamodb:PartiQLInsert", "UPDATE": "dynamodb:PartiQLUpdate", "DELETE": "dynamodb:PartiQLDelete"}

    def checks_of(iam_action, body, region, account_id):
        if iam_action != "dynamodb:BatchExecuteStatement":
            return dynamodb_transaction_checks(iam_action, body, region, account_id)
        parsed = [dynamodb._parse_partiql(each["Statement"], each.get("Parameters", [])) for each in json.loads(body)["Statements"]]
        return [(actions[each["op"]], f"arn:aws:dynamodb:{region}:{account_id}:table/{each['table']}") for each in parsed]

    iam_actions.dynamodb_transaction_checks = checks_of


def authorize_tags_of_tasks():
    enforce = iam_evaluator.enforce

    def enforced(access_key, action, service, region, *rest, resource_arn=None, service_context=None, **others):
        denied = enforce(access_key, action, service, region, *rest, resource_arn=resource_arn, service_context=service_context, **others)
        if denied or action != "ecs:RunTask" or "aws:TagKeys" not in (service_context or {}):
            return denied
        tasks = service_context["ecs:cluster"].replace(":cluster/", ":task/") + "/*"
        context = {**service_context, "ecs:CreateAction": "RunTask"}
        return enforce(access_key, "ecs:TagResource", service, region, *rest, resource_arn=tasks, service_context=context, **others)

    iam_evaluator.enforce = enforced


def redeliver_failed_batches():
    execute = lambda_svc._execute_function

    def executed(func, event):
        result = execute(func, event)
        records = event.get("Records") if isinstance(event, dict) else None
        if records and records[0].get("eventSource") in ("aws:kinesis", "aws:dynamodb"):
            body = result.get("body")
            answer = json.loads(body) if isinstance(body, str) and body else body
            if isinstance(answer, dict) and answer.get("batchItemFailures"):
                return {**result, "error": True}
        return result

    lambda_svc._execute_function = executed


def retry_failed_starts():
    execute = lambda_svc._execute_function
    # Errors of a handler have another type, `Runtime.HandlerError`.
    not_started = ("RuntimeError", "FileNotFoundError", "BrokenPipeError")

    def executed(func, event):
        result = execute(func, event)
        for pause in (0.1, 0.5, 2):
            body = result.get("body")
            if not (result.get("error") and isinstance(body, dict) and body.get("errorType") in not_started):
                break
            time.sleep(pause)
            result = execute(func, event)
        return result

    lambda_svc._execute_function = executed


def retry_asynchronous_invocations():
    execute = lambda_svc._execute_function

    def executed(func, event):
        result = execute(func, event)
        records = event.get("Records") if isinstance(event, dict) else None
        if records and records[0].get("EventSource") == "aws:sns":
            for pause in (5, 20):
                if not result.get("error"):
                    break
                time.sleep(pause)
                result = execute(func, event)
        return result

    lambda_svc._execute_function = executed


def report_stopped_tasks():
    def submit_task_state_change(data):
        task = ecs._resolve_task(data["task"], ecs._resolve_cluster_name(data["cluster"]))
        for reported in data.get("containers", []):
            for container in task["containers"]:
                if container["name"] == reported["containerName"]:
                    container["exitCode"] = reported.get("exitCode")
                    container["reason"] = reported.get("reason")
        ecs._mark_task_stopped(task["taskArn"], task, data.get("reason", ""), "EssentialContainerExited")
        return ecs.json_response({"acknowledgment": new_uuid()})

    mark_task_stopped = ecs._mark_task_stopped

    def marked(task_arn, task, *how, **more):
        stopped = mark_task_stopped(task_arn, task, *how, **more)
        if stopped:
            event = {
                "Source": "aws.ecs",
                "DetailType": "ECS Task State Change",
                "Resources": [task_arn],
                "Detail": json.dumps(ecs._sanitize(task), default=str),
            }
            eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)
        return stopped

    ecs._mark_task_stopped = marked

    # The emulator's own implementation does nothing.
    assert "SubmitTaskStateChange" in ecs._ACTION_MAP
    ecs._ACTION_MAP["SubmitTaskStateChange"] = submit_task_state_change


if __name__ == "__main__":
    record_access(os.environ["ACCESS_LOG"])
    add_condition_keys()
    name_resources()
    authorize_statements()
    authorize_tags_of_tasks()
    retry_failed_starts()
    retry_asynchronous_invocations()
    redeliver_failed_batches()
    report_stopped_tasks()
    main()
