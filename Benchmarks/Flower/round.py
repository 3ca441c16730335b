"""One round of Flower's SecAgg+ in one process, without a network: its own server workflow and its own client mod.

Prints one JSON object: CPU seconds of the server and of all clients, and the error of the average that came out. A node
that drops does so when masked vectors are collected: it has dealt its shares and never uploads, as in `concord bench secagg`.
"""

import argparse
import json
import os
import resource
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["FLWR_TELEMETRY_ENABLED"] = "0"

import logging
from importlib.metadata import version

import numpy as np
from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from flwr.client.mod import secaggplus_mod
from flwr.clientapp import ClientApp
from flwr.common import ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS, Key, Stage
from flwr.compat.common.recorddict_compat import arrayrecord_to_parameters
from flwr.server import LegacyContext, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.server.workflow import DefaultWorkflow, SecAggPlusWorkflow
from flwr.serverapp.grid import Grid

try:
    from flwr.client import NumPyClient
except ImportError:  # where newer versions keep it
    from flwr.compat.client import NumPyClient

try:  # since 1.3x every message takes its run from here
    from flwr.supercore.task_identity import TaskIdentity

    TaskIdentity.run_id = TaskIdentity.node_id = TaskIdentity.task_id = 1
except ImportError:
    pass

logging.getLogger("flwr").setLevel(logging.ERROR)


MOST_EXAMPLES = 1000


def vector(node, dimension):
    return np.random.default_rng(node).normal(0, 0.05, dimension).astype(np.float32)


class Store(NumPyClient):
    """A client whose training takes no time that counts."""

    spent = 0.0

    def __init__(self, node, dimension):
        self.node, self.dimension = node, dimension

    def fit(self, parameters, config):
        start = time.process_time()
        # As many examples as a client may have: a lighter weight costs Flower's average precision, not time.
        result = [vector(self.node, self.dimension)], MOST_EXAMPLES, {}
        Store.spent += time.process_time() - start
        return result


class Run:
    run_id = 1


class Room(Grid):
    """Hands every message to its client at once, and keeps the time that clients take apart."""

    def __init__(self, app, nodes, dropping):
        self.app, self.nodes, self.dropping = app, nodes, dropping
        self.client_cpu, self.carrying_cpu, self.errors = 0.0, 0.0, []
        self.contexts = {
            node: Context(run_id=1, node_id=node, node_config={}, state=RecordDict(), run_config={}) for node in nodes
        }

    run = property(lambda self: Run())

    def set_run(self, run):
        pass

    def get_node_ids(self):
        return list(self.nodes)

    def create_message(self, *args, **kwargs):
        raise NotImplementedError

    push_messages = pull_messages = create_message

    def send_and_receive(self, messages, *, timeout=None):
        begun, training, clients = time.process_time(), Store.spent, 0.0
        replies = []
        for message in messages:
            node = message.metadata.dst_node_id
            configs = message.content.config_records
            stage = configs[RECORD_KEY_CONFIGS][Key.STAGE] if RECORD_KEY_CONFIGS in configs else None
            if stage == Stage.COLLECT_MASKED_VECTORS and node in self.dropping:
                continue
            # Clients take entries out of the record they get; over a network each would have its own copy.
            content = RecordDict()
            content.array_records.update(message.content.array_records)
            content.metric_records.update(message.content.metric_records)
            for name, record in configs.items():
                content.config_records[name] = ConfigRecord(dict(record))
            metadata = message.metadata
            own = Message(
                content=content, dst_node_id=node, message_type=metadata.message_type, group_id=metadata.group_id
            )
            start, trained = time.process_time(), Store.spent
            try:
                replies.append(self.app(own, self.contexts[node]))
            except Exception as error:
                self.errors.append(f"{stage}: {type(error).__name__}: {error}")
                replies.append(Message(Error(code=1, reason=str(error)), reply_to=own))
            clients += time.process_time() - start - (Store.spent - trained)
        self.client_cpu += clients
        self.carrying_cpu += time.process_time() - begun - (Store.spent - training) - clients
        return replies


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--dropped", type=int, default=0)
    parser.add_argument("--shares", type=int, help="neighbours that share masks, the node itself included; left out, all do")
    arguments = parser.parse_args()
    nodes = list(range(1, arguments.nodes + 1))
    dropping = set(nodes[: arguments.dropped])
    app = ClientApp(
        client_fn=lambda context: Store(context.node_id, arguments.dimension).to_client(), mods=[secaggplus_mod]
    )
    strategy = FedAvg(
        fraction_fit=1.0,
        fraction_evaluate=0.0,
        min_fit_clients=arguments.nodes,
        min_available_clients=arguments.nodes,
        initial_parameters=ndarrays_to_parameters([np.zeros(arguments.dimension, np.float32)]),
    )
    context = LegacyContext(
        context=Context(run_id=1, node_id=0, node_config={}, state=RecordDict(), run_config={}),
        config=ServerConfig(num_rounds=1),
        strategy=strategy,
    )
    # In general every pair shares a mask, as in Concord's complete graph of up to 300 nodes.
    secure = SecAggPlusWorkflow(
        num_shares=arguments.shares or 1.0, reconstruction_threshold=2 / 3, max_weight=float(MOST_EXAMPLES), clipping_range=8.0, timeout=5.0
    )
    room = Room(app, nodes, dropping)
    spent = {}

    def timed(grid, context):
        start = time.process_time()
        secure(grid, context)
        spent["total"] = time.process_time() - start - Store.spent

    DefaultWorkflow(fit_workflow=timed)(room, context)
    state = context.state.array_records
    record = state["parameters"] if "parameters" in state else next(iter(state.values()))
    got = parameters_to_ndarrays(arrayrecord_to_parameters(record, keep_input=True))[0]
    survivors = [node for node in nodes if node not in dropping]
    wanted = np.mean([vector(node, arguments.dimension) for node in survivors], axis=0)
    error = float(np.max(np.abs(got - wanted)))
    print(
        json.dumps(
            {
                "flwr": version("flwr"),
                "nodes": arguments.nodes,
                "dimension": arguments.dimension,
                "dropped": arguments.dropped,
                "shares": arguments.shares or arguments.nodes,
                "serverCPUSeconds": spent["total"] - room.client_cpu - room.carrying_cpu,
                "clientsCPUSeconds": room.client_cpu,
                "totalCPUSeconds": spent["total"] - room.carrying_cpu,
                "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "largestError": error,
                "correct": bool(np.any(got)) and error < 0.01,
                "errors": room.errors[:3],
            }
        )
    )


if __name__ == "__main__":
    main()
