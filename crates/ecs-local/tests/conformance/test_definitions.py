"""Task definitions: registering, describing, listing, deregistering, and the rules of Fargate."""

import unittest

from clients import careless, ecs, refused

CLIENT = "ClientException"


def definition(family, containers=None, **more):
    fine = {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": containers or [container()],
    }
    return fine | more


def container(**more):
    return {"name": "build", "image": "registry.example.com/ci:1", "essential": True} | more


class Definitions(unittest.TestCase):
    def refuse(self, text, *arguments, code=CLIENT, **more):
        got, message = refused(careless.register_task_definition, **definition("refused", *arguments, **more))
        self.assertEqual(got, code, message)
        self.assertRegex(message, text)

    def test_revisions_only_grow(self):
        arns = [ecs.register_task_definition(**definition("grows"))["taskDefinition"]["taskDefinitionArn"] for _ in range(3)]
        self.assertEqual([arn.rpartition(":")[2] for arn in arns], ["1", "2", "3"])
        gone = ecs.deregister_task_definition(taskDefinition="grows:3")["taskDefinition"]
        self.assertEqual(gone["status"], "INACTIVE")
        self.assertGreaterEqual(gone["deregisteredAt"], gone["registeredAt"])
        # A family names its latest active revision. A number names that revision, active or not.
        for name, revision in (("grows", 2), ("grows:3", 3), (arns[0], 1)):
            shown = ecs.describe_task_definition(taskDefinition=name)
            self.assertEqual(shown["taskDefinition"]["revision"], revision)
            self.assertNotIn("tags", shown)
        again = ecs.register_task_definition(**definition("grows"))["taskDefinition"]
        self.assertEqual(again["revision"], 4)

        def listed(**more):
            return ecs.list_task_definitions(familyPrefix="grows", **more)["taskDefinitionArns"]

        active = arns[:2] + [again["taskDefinitionArn"]]
        self.assertEqual(listed(), active)
        self.assertEqual(listed(sort="DESC"), active[::-1])
        self.assertEqual(listed(status="INACTIVE"), arns[2:])
        pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix="grows", PaginationConfig={"PageSize": 2})
        self.assertEqual([len(page["taskDefinitionArns"]) for page in pages], [2, 1])
        self.assertLessEqual(set(active), set(ecs.list_task_definitions()["taskDefinitionArns"]))

    def test_a_whole_definition(self):
        init = {
            "name": "init",
            "image": "000000000000.dkr.ecr.eu-west-1.amazonaws.com/ci/agent:1.0",
            "essential": False,
            "command": ["install", "/tools"],
            "mountPoints": [{"sourceVolume": "tools", "containerPath": "/tools"}],
        }
        build = container(
            entryPoint=["/tools/agent"],
            command=["serve"],
            user="0",
            workingDirectory="/builds",
            memoryReservation=256,
            portMappings=[{"containerPort": 22, "protocol": "tcp"}],
            environment=[{"name": "A", "value": "1"}],
            dependsOn=[{"containerName": "init", "condition": "SUCCESS"}],
            mountPoints=[{"sourceVolume": "tools", "containerPath": "/tools", "readOnly": True}],
            volumesFrom=[{"sourceContainer": "init", "readOnly": True}],
            linuxParameters={"initProcessEnabled": True, "capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}},
            secrets=[{"name": "TOKEN", "valueFrom": "arn:aws:ssm:eu-west-1:000000000000:parameter/token"}],
            repositoryCredentials={"credentialsParameter": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x"},
            startTimeout=60,
            stopTimeout=10,
            ulimits=[{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
            healthCheck={"command": ["CMD", "true"], "interval": 5, "timeout": 2, "retries": 1, "startPeriod": 0},
            systemControls=[{"namespace": "net.core.somaxconn", "value": "1024"}],
            dockerLabels={"a": "b"},
            restartPolicy={"enabled": True, "ignoredExitCodes": [0], "restartAttemptPeriod": 60},
            logConfiguration={
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/ci", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "job"},
            },
        )
        given = definition(
            "whole",
            [init, build],
            cpu="1 vCPU",
            memory="2 GB",
            executionRoleArn="arn:aws:iam::000000000000:role/execution",
            taskRoleArn="arn:aws:iam::000000000000:role/job",
            runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"},
            ephemeralStorage={"sizeInGiB": 40},
            pidMode="task",
            volumes=[{"name": "tools"}, {"name": "cache", "efsVolumeConfiguration": {"fileSystemId": "fs-0a1b"}}],
            tags=[{"key": "content-hash", "value": "3f1c9a"}],
        )
        reply = ecs.register_task_definition(**given)
        self.assertEqual(reply["tags"], given["tags"])
        made = reply["taskDefinition"]
        self.assertEqual((made["cpu"], made["memory"]), ("1024", "2048"))
        self.assertEqual((made["status"], made["revision"]), ("ACTIVE", 1))
        self.assertEqual(made["compatibilities"], ["EC2", "FARGATE"])
        self.assertEqual(made["volumes"][0], {"name": "tools", "host": {}})
        first, second = made["containerDefinitions"]
        added = {"cpu": 0, "portMappings": [], "environment": [], "volumesFrom": [], "systemControls": []}
        self.assertEqual(first, init | added)
        filled = {"cpu": 0, "portMappings": [{"containerPort": 22, "hostPort": 22, "protocol": "tcp"}]}
        self.assertEqual(second, build | filled)
        shown = ecs.describe_task_definition(taskDefinition="whole", include=["TAGS"])
        self.assertEqual(shown["taskDefinition"], made)
        self.assertEqual(shown["tags"], given["tags"])

    def test_rules_of_fargate(self):
        self.refuse("^No Fargate configuration exists for given values.$", cpu="256", memory="4096")
        self.refuse("^Invalid 'cpu' setting for task.", cpu="300")
        self.refuse("network mode 'awsvpc'", networkMode="bridge")
        self.refuse("between 21 and 200", ephemeralStorage={"sizeInGiB": 20})
        self.refuse("pidMode", pidMode="host")
        self.refuse("sourcePath", volumes=[{"name": "x", "host": {"sourcePath": "/"}}])
        for change, text in (
            ({"privileged": True}, "privileged"),
            ({"extraHosts": [{"hostname": "a", "ipAddress": "127.0.0.1"}]}, "extraHosts"),
            ({"linuxParameters": {"sharedMemorySize": 64}}, "sharedMemorySize"),
            ({"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "SYS_PTRACE"),
            ({"portMappings": [{"containerPort": 22, "hostPort": 23}]}, "must match"),
            ({"logConfiguration": {"logDriver": "json-file"}}, "log drivers"),
            ({"logConfiguration": {"logDriver": "awslogs", "options": {}}}, "execution role"),
            ({"secrets": [{"name": "A", "valueFrom": "x"}]}, "execution role"),
            ({"stopTimeout": 121}, "between 2 and 120"),
            ({"memory": 513}, "total memory"),
        ):
            self.refuse(text, [container(**change)])

    def test_rules_of_every_launch_type(self):
        self.refuse("essential", [container(essential=False)])
        self.refuse("at most 10", [container(name=f"c{n}") for n in range(11)])
        self.refuse("more than once", [container(), container()])
        self.refuse("name", [container(name="a b")])
        self.refuse("image", [container(image="")])
        self.refuse("Unknown volume", [container(mountPoints=[{"sourceVolume": "x", "containerPath": "/x"}])])
        self.refuse("unknown container", [container(dependsOn=[{"containerName": "x", "condition": "START"}])])
        self.refuse("cycle", [container(dependsOn=[{"containerName": "build", "condition": "START"}])])
        other = container(name="db")
        for condition, text in (("SUCCESS", "cannot be essential"), ("HEALTHY", "no healthCheck")):
            waits = container(dependsOn=[{"containerName": "db", "condition": condition}])
            self.refuse(text, [waits, other])
        self.refuse("65536|Max allowed", [container(environment=[{"name": "A", "value": "x" * 65536}])])
        code, message = refused(careless.register_task_definition, **definition("a b"))
        self.assertEqual(code, CLIENT, message)
        self.refuse("enum value set", code="InvalidParameterException", networkMode="wireless")

    def test_unknown_names(self):
        for name in ("nothing", "nothing:1", "arn:aws:ecs:eu-west-1:000000000000:task-definition/nothing:1"):
            self.assertEqual(refused(ecs.describe_task_definition, taskDefinition=name)[0], CLIENT)
            self.assertEqual(refused(ecs.deregister_task_definition, taskDefinition=name)[0], CLIENT)
        # The name has to include a revision.
        self.assertEqual(refused(ecs.deregister_task_definition, taskDefinition="job")[0], CLIENT)
        self.assertEqual(refused(careless.describe_task_definition)[0], CLIENT)
