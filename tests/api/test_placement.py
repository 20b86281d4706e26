"""A deployment on a system: where instances and experts lie, and sums of what travels."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from accord.api.fabric import fabric_of
from accord.api.placement import placement_answer
from accord.api.placement_hardware import hardware
from accord.api.placement_lay import experts, laid
from accord.api.placement_load import Sends, group_load, pair_load, pool_load
from accord.base.errors import NotSupported, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.fabric.flows import loads
from accord.fabric.routes import routes
from accord.fabric.topology import Topology, Tree
from accord.inference.complete import Layout
from accord.inference.request import EstimateRequest, PoolRequest
from accord.models.spec import Attention, Ffn, Layer, ModelSpec
from accord.parallel.plan import deployments
from accord.report.placement import Experts, Instance, runs

CLOUDMATRIX = "huawei-cloudmatrix-384"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def graph(catalog: Catalog) -> Topology:
    return fabric_of(catalog, CLOUDMATRIX).graph()


def paper(**changes: object) -> EstimateRequest:
    fields: dict[str, object] = {
        "model": "deepseek-r1", "system": CLOUDMATRIX, "engine": "cloudmatrix-infer", "weights": "int8",
        "prefill": PoolRequest(instances=6, devices=32, ep=32), "decode": PoolRequest(instances=1, devices=320, ep=320),
        "isl": 4096.0, "osl": 256.0, "mtp_tokens": 1, "mtp_accept": 0.7, "batch_per_device": 48.0,
        "tokens_per_device": 8192.0, "reuse": 0.5,
    }  # fmt: skip
    return EstimateRequest(**{**fields, **changes})  # type: ignore[arg-type]


def layout(instances: int, **ranks: int) -> Layout:
    return Layout(**{"tp": 1, "pp": 1, "dp": 1, "cp": 1, "ep": 1, **ranks, "instances": instances})


def port(graph: Topology, plane: str = "UB") -> Tree:
    tree = next(one for one in graph.planes if one.plane == plane)
    assert isinstance(tree, Tree)
    return tree


# Where things lie


def test_the_machine_of_the_paper(catalog: Catalog) -> None:
    fabric = fabric_of(catalog, CLOUDMATRIX)
    found = hardware(fabric.machine, fabric.system)
    assert (found.nodes, found.node_devices, found.racks, found.other_racks, found.cpus) == (48, 16, 12, 4, 4.0)
    assert found.pool_planes == ("UB", "VPC")
    assert found.assumed == ()


@pytest.mark.parametrize("name", ["huawei-atlas-950-superpod", "google-ironwood-pod", "nvidia-hgx-h100-8"])
def test_every_system_has_nodes_and_racks(catalog: Catalog, name: str) -> None:
    fabric = fabric_of(catalog, name)
    found = hardware(fabric.machine, fabric.system)
    assert found.nodes * found.node_devices == found.devices
    assert 1 <= found.racks <= found.nodes


def test_instances_lie_side_by_side_and_begin_nodes_they_do_not_fit_into(catalog: Catalog) -> None:
    fabric = fabric_of(catalog, CLOUDMATRIX)
    hard = hardware(fabric.machine, fabric.system)
    small, large = layout(3, tp=4), layout(2, dp=32, ep=32)
    found = laid([("prefill", small), ("decode", large)], hard)
    assert [(one.pool, one.number, one.first, one.devices) for one in found] == [
        ("prefill", 0, 0, 4), ("prefill", 1, 4, 4), ("prefill", 2, 8, 4), ("decode", 0, 16, 32), ("decode", 1, 48, 32),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="1,024 devices"):
        laid([("decode", layout(2, dp=512, ep=512))], hard)
    with pytest.raises(UsageError) as caught:
        laid([("prefill", small), ("decode", layout(1, dp=1024, ep=1024))], hard)
    assert caught.value.where == "--decode"


def mixture(routed: int, shared: int) -> ModelSpec:
    attention = Attention(kind="full", heads=8, kv_heads=8, head_dim=64, v_head_dim=64)
    ffn = Ffn(experts=routed, top_k=8, expert_hidden=64, shared_hidden=shared)
    layers = (Layer(attention=attention, ffn=ffn, count=4),)
    return ModelSpec(id="m", model_type="m", hidden=512, vocab=1000, layers=layers)


def held(routed: int, shared: int, ep: int, copies: int) -> Experts:
    found = experts(mixture(routed, shared), deployments(tp=1, dp=ep, ep=ep, redundant=copies))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("routed", "shared", "ep", "copies"),
    [(256, 64, 320, 32), (256, 64, 32, 32), (256, 64, 8, 0), (128, 0, 16, 0), (60, 64, 16, 4), (64, 64, 72, 0)],
)
def test_every_routed_expert_lies_somewhere_and_ranks_hold_about_as_many(
    routed: int, shared: int, ep: int, copies: int
) -> None:
    found = held(routed, shared, ep, copies)
    placed = [one for rank in found.ranks for one in rank]
    assert len(found.ranks) == ep
    assert set(placed) == set(range(routed))
    assert len(placed) == routed + found.copies
    sizes = {len(rank) for rank in found.ranks[: ep - found.apart]}
    assert max(sizes) - min(sizes) <= 1
    assert all(len(set(rank)) == len(rank) for rank in found.ranks)
    assert found.layers == 4


def test_the_ranks_of_the_paper() -> None:
    """32 ranks of shared experts, 256 of routed ones, 32 of copies; in prefill 9 routed ones beside the shared one."""
    decode = held(256, 64, 320, 32)
    assert (decode.apart, decode.copies) == (32, 32)
    assert [len(rank) for rank in decode.ranks] == [1] * 288 + [0] * 32
    prefill = held(256, 64, 32, 32)
    assert (prefill.apart, prefill.copies) == (0, 32)
    assert {len(rank) for rank in prefill.ranks} == {9}


def test_a_dense_model_has_no_experts(catalog: Catalog) -> None:
    attention = Attention(kind="full", heads=8, kv_heads=8, head_dim=64, v_head_dim=64)
    layers = (Layer(attention=attention, ffn=Ffn(hidden=64), count=4),)
    spec = ModelSpec(id="m", model_type="m", hidden=512, vocab=1000, layers=layers)
    assert experts(spec, deployments(tp=8)) is None


# What travels


def test_a_small_exchange_by_hand(graph: Topology) -> None:
    """32 dies in two nodes, 31 bytes from each: one to each other, 16 of which lie in the other node."""
    load = group_load(graph, Sends("dispatch", 32, 31.0, 0.0, False), Instance("decode", 0, 0, 32), 1, 768)
    inner, outer = port(graph).layers
    dies, nodes = np.arange(inner.lower), np.arange(outer.lower)
    assert load[inner.up(dies)][:33].tolist() == [31.0] * 32 + [0.0]
    assert load[inner.down(dies)][:33].tolist() == [31.0] * 32 + [0.0]
    assert load[outer.up(nodes)][:3].tolist() == [256.0, 256.0, 0.0]
    assert load[outer.down(nodes)][:3].tolist() == [256.0, 256.0, 0.0]


def test_sums_go_around_a_ring(graph: Topology) -> None:
    load = group_load(graph, Sends("sums", 4, 12.0, 0.0, True), Instance("decode", 0, 14, 4), 1, 768)
    inner, outer = port(graph).layers
    assert load[inner.up(np.arange(14, 18))].tolist() == [12.0] * 4
    assert load[outer.up(np.arange(2))].tolist() == [12.0, 12.0]


@pytest.mark.parametrize("system", [CLOUDMATRIX, "nvidia-gb200-nvl72", "google-tpu-v5e-pod", "amd-mi300x-8"])
@pytest.mark.parametrize("plane", [0, -1])
def test_pairs_at_once_are_the_routes_one_by_one(catalog: Catalog, system: str, plane: int) -> None:
    fabric = fabric_of(catalog, system)
    graph = fabric.graph()
    wires = graph.planes[plane]
    start, end = np.arange(0, 5, dtype=np.int64), np.arange(2, 8, dtype=np.int64)
    load = pair_load(graph, start, end, 3.0, wires)
    pairs = [(a, b) for a in start for b in end if a != b]
    source, target = (np.asarray(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    ways = routes(replace(graph, planes=(wires,)), source, target)
    assert load == pytest.approx(loads(ways, np.full(ways.transfers, 3.0), len(graph.capacity)))


def test_what_enters_is_what_leaves(graph: Topology) -> None:
    load = pair_load(graph, np.arange(100, dtype=np.int64), np.arange(200, 300, dtype=np.int64), 2.0)
    for layer in port(graph).layers:
        lower = np.arange(layer.lower)
        assert load[layer.up(lower)].sum() == pytest.approx(load[layer.down(lower)].sum(), rel=1e-9)
    assert load[port(graph).layers[0].up(np.arange(100))].sum() == pytest.approx(100 * 100 * 2.0)


def test_reads_of_the_pool_arrive_whole(graph: Topology) -> None:
    targets = np.arange(32, dtype=np.int64)
    load = pool_load(graph, port(graph), targets, 4800.0)
    inner, outer = port(graph).layers
    assert load[inner.down(targets)].sum() == pytest.approx(4800.0)
    assert load[inner.up(np.arange(inner.lower))].sum() == 0.0
    # 100 bytes lie in each of 48 nodes; half of what the two readers' nodes hold stays there
    assert load[outer.up(np.arange(3))] == pytest.approx([50.0, 50.0, 100.0])
    assert load[outer.down(np.arange(3))] == pytest.approx([2350.0, 2350.0, 0.0])


def test_too_many_pairs_are_refused(catalog: Catalog) -> None:
    graph = fabric_of(catalog, "google-ironwood-pod").graph()
    everyone = np.arange(9216, dtype=np.int64)
    with pytest.raises(NotSupported, match="too many"):
        pair_load(graph, everyone, everyone, 1.0)


# The answer


def test_the_deployment_of_the_paper(catalog: Catalog) -> None:
    answer = placement_answer(paper(), catalog, 0.9)
    result = answer.result
    pools, flows, links = (result[name] for name in ("pools", "flows", "links"))
    assert isinstance(pools, list) and isinstance(flows, list) and isinstance(links, list)
    assert [pool["name"] for pool in pools] == ["prefill", "decode"]
    assert pools[0]["busy"] == 1.0 > pools[1]["busy"]
    assert {flow["name"] for flow in flows} == {"dispatch", "combine", "cache transfer", "cache pool reads"}
    for flow in flows:
        total = flow["total_bytes_per_s"]
        assert 0.0 < total["low"] < total["value"] < total["high"]
    # 96 tokens of 9 copies through 58 layers: 7,168 values and a scale of 512 bytes each, all but the copy to oneself
    dispatch = next(flow for flow in flows if flow["pool"] == "decode" and flow["name"] == "dispatch")
    assert dispatch["step_bytes"] == pytest.approx(96 * 9 * 58 * 7680 * 319 / 320)
    assert dispatch["out_bytes_per_s"]["value"] == pytest.approx(dispatch["step_bytes"] / pools[1]["step_s"])
    transfer = next(flow for flow in flows if flow["name"] == "cache transfer")
    assert transfer["planes"] == ["RDMA"]
    assert transfer["out_bytes_per_s"]["value"] * 192 == pytest.approx(transfer["in_bytes_per_s"]["value"] * 320)
    assert [(link["plane"], link["kind"], link["lower"]) for link in links] == [
        ("UB", "device port", 768), ("UB", "uplink", 48), ("RDMA", "device port", 768), ("RDMA", "uplink", 24),
    ]  # fmt: skip
    assert any("busy 18%" in warning or "busy" in warning for warning in answer.warnings)


def total(pairs: list[list[float]]) -> float:
    return sum(count * value for count, value in pairs)


def test_bytes_out_of_all_devices_are_bytes_in(catalog: Catalog) -> None:
    links = placement_answer(paper(reuse=None), catalog, 0.9).result["links"]
    assert isinstance(links, list)
    for link in links:
        assert total(link["out_bytes_per_s"]) == pytest.approx(total(link["in_bytes_per_s"]), rel=1e-3)
        assert sum(count for count, _ in link["out_share"]) == link["lower"]
        causes = sum(total(flow["out"]) for flow in link["by"].values())
        assert causes == pytest.approx(total(link["out_bytes_per_s"]), rel=1e-3)


def test_one_pool_alone_and_none(catalog: Catalog) -> None:
    answer = placement_answer(paper(prefill=None, reuse=None), catalog, 0.9)
    pools = answer.result["pools"]
    assert isinstance(pools, list)
    assert [pool["name"] for pool in pools] == ["decode"]
    with pytest.raises(UsageError, match="without a pool"):
        placement_answer(paper(prefill=None, decode=None), catalog, 0.9)


def test_a_link_that_could_not_carry_its_load_is_told(catalog: Catalog) -> None:
    request = EstimateRequest(
        model="deepseek-r1",
        system="google-ironwood-pod",
        decode=PoolRequest(devices=128, ep=128),
        isl=4096.0,
        osl=1024.0,
    )
    answer = placement_answer(request, catalog, 0.9)
    assert any("times what it reaches" in warning for warning in answer.warnings)
    assumed = answer.result["assumed"]
    assert isinstance(assumed, list)
    assert any("torus" in line for line in assumed)


def test_runs_say_how_often_a_value_comes() -> None:
    assert runs(np.asarray([1.0, 1.0, 0.0, 1.234567, 1.234568])) == [[2, 1.0], [1, 0.0], [2, 1.2346]]
    assert runs(np.zeros(0)) == []


def test_one_pool_for_both_takes_turns(catalog: Catalog) -> None:
    request = EstimateRequest(
        model="deepseek-r1", system=CLOUDMATRIX, weights="int8", devices=128, ep=64, isl=4096.0, osl=256.0,
        batch_per_device=16.0,
    )  # fmt: skip
    alone = replace_pool(request)
    result = placement_answer(request, catalog, 0.9).result
    pools, instances, flows = result["pools"], result["instances"], result["flows"]
    assert isinstance(pools, list) and isinstance(instances, list) and isinstance(flows, list)
    assert [(one["pool"], one["first"], one["devices"]) for one in instances] == [("serve", 0, 64), ("serve", 64, 64)]
    assert [flow["name"] for flow in flows] == ["dispatch", "combine"]
    # a request takes its prefill and its decode one after the other, so rates add up as times do
    rates, sent = [], []
    for one in alone:
        part = placement_answer(one, catalog, 0.9).result
        part_pools, part_flows = part["pools"], part["flows"]
        assert isinstance(part_pools, list) and isinstance(part_flows, list)
        rates.append(part_pools[0]["request_per_s"])
        sent.append(part_flows[0]["out_bytes_per_s"]["value"])
    rate = 1.0 / sum(1.0 / each for each in rates)
    assert pools[0]["request_per_s"] == pytest.approx(rate)
    turns = sum(each * rate / own for each, own in zip(sent, rates, strict=True))
    assert flows[0]["out_bytes_per_s"]["value"] == pytest.approx(turns)


def replace_pool(request: EstimateRequest) -> list[EstimateRequest]:
    """The same two instances as a pool of prefill, and as one of decode."""
    pool = PoolRequest(instances=2, devices=64, ep=64)
    plain = msgspec.structs.replace(request, devices=None, ep=None)
    return [msgspec.structs.replace(plain, prefill=pool), msgspec.structs.replace(plain, decode=pool)]
