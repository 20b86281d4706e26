// A placement as the page reads it: values by device, node and link out of the answer's runs.
import type { Metric } from '../../lib/api';

export type Run = [number, number];
export interface LayerLoad {
  plane: string;
  tier: string;
  to: string;
  kind: 'device port' | 'uplink';
  lower: number;
  lower_devices: number;
  switches: number;
  switch_chips: number;
  parent: Run[];
  dims?: number[];
  capacity_bytes_per_s: Run[];
  out_bytes_per_s: Run[];
  in_bytes_per_s: Run[];
  out_share: Run[];
  in_share: Run[];
  by: Record<string, { out: Run[]; in: Run[] }>;
  busiest_share: Metric;
}
export interface Layout {
  chips: number;
  devices: number;
  devices_per_chip: number;
  node_devices: number;
  nodes: number;
  racks: number;
  other_racks: number;
  cpus: number;
  pool_planes: string[];
}
export interface Tier {
  name: string;
  plane: string;
  kind: string;
  wiring: string;
  devices: number;
  bytes_per_s: number;
  reached_bytes_per_s: number;
  latency_s: number | null;
  bisection_bytes_per_s: number;
  switch_chips: number;
  oversubscription: number;
}
export interface Experts {
  routed: number;
  copies: number;
  shared: number;
  ranks: number[][];
  apart: number;
  within: number;
  layers: number;
}
export interface Pool {
  name: string;
  instances: number;
  devices: number;
  tp: number;
  pp: number;
  dp: number;
  cp: number;
  ep: number;
  step_s: number;
  step_low_s: number;
  step_high_s: number;
  request_per_s: number;
  busy: number;
  memory: Record<string, number>;
  experts: Experts | null;
}
export interface Instance {
  pool: string;
  number: number;
  first: number;
  devices: number;
  first_node: number;
  last_node: number;
}
export interface Flow {
  name: string;
  pool: string;
  planes: string[];
  out_bytes_per_s: Metric;
  in_bytes_per_s: Metric;
  total_bytes_per_s: Metric;
  step_bytes: number;
}
export interface Result {
  tiers: Tier[];
  layout: Layout;
  pools?: Pool[];
  instances?: Instance[];
  flows?: Flow[];
  links?: LayerLoad[];
  served_request_per_s?: number;
  assumed: string[];
}

/** Runs of `[how often, value]` as one value each. */
export function unrolled(runs: readonly Run[]): Float64Array {
  const out = new Float64Array(runs.reduce((sum, [count]) => sum + count, 0));
  let at = 0;
  for (const [count, value] of runs) {
    out.fill(value, at, at + count);
    at += count;
  }
  return out;
}

export interface Layer extends LayerLoad {
  out: Float64Array;
  in: Float64Array;
  /** The busier way of each link, as a share of what it reaches. */
  share: Float64Array;
  capacity: Float64Array;
  parents: Float64Array;
  /** The link of this layer that serves each device. */
  own: Int32Array;
}

/** Where a device lies in the deployment. */
export interface Lies {
  pool: Pool;
  instance: Instance;
  rank: number;
  experts: number[] | null;
  shared: 'beside' | 'alone' | 'none';
}

/** An answer with its runs unrolled and quick look-ups. */
export class Placed {
  readonly layers: Layer[];
  readonly planes: string[];
  /** Index of the instance of each device, -1 for none. */
  readonly instanceOf: Int32Array;
  readonly layout: Layout;

  constructor(readonly result: Result) {
    this.layout = result.layout;
    this.layers = (result.links ?? []).map((one) => {
      const [out, into] = [unrolled(one.out_share), unrolled(one.in_share)];
      return {
        ...one, out: unrolled(one.out_bytes_per_s), in: unrolled(one.in_bytes_per_s), share: out.map((value, at) => Math.max(value, into[at] ?? 0)),
        capacity: unrolled(one.capacity_bytes_per_s), parents: unrolled(one.parent), own: new Int32Array(0),
      };
    });
    // A device's link further up is that of the switch it hangs on; with rails these are not in the order of devices.
    let below: Layer | undefined;
    for (const layer of this.layers) {
      const under = layer.kind === 'uplink' ? below : undefined;
      layer.own = Int32Array.from({ length: this.layout.devices }, (_, device) => (under ? (under.parents[under.own[device] as number] ?? 0) : device));
      below = layer;
    }
    this.planes = [...new Set(result.tiers.map((one) => one.plane))];
    this.instanceOf = new Int32Array(this.layout.devices).fill(-1);
    (result.instances ?? []).forEach((one, at) => this.instanceOf.fill(at, one.first, one.first + one.devices));
  }

  get laid(): boolean {
    return (this.result.instances ?? []).length > 0;
  }

  layersOf(plane: string): Layer[] {
    return this.layers.filter((one) => one.plane === plane);
  }

  /** "P", "D" or "" for a device that is idle. */
  letter(device: number): string {
    const at = this.instanceOf[device] ?? -1;
    return at < 0 ? '' : letterOf(this.result.instances?.[at]?.pool ?? '');
  }

  lies(device: number): Lies | null {
    const instance = this.result.instances?.[this.instanceOf[device] ?? -1];
    const pool = this.result.pools?.find((one) => one.name === instance?.pool);
    if (!instance || !pool) return null;
    const rank = device - instance.first;
    const { experts } = pool;
    if (!experts) return { pool, instance, rank, experts: null, shared: 'none' };
    const group = pool.tp * pool.dp * pool.cp;
    const held = experts.ranks[Math.floor((rank % group) / experts.within)] ?? [];
    return { pool, instance, rank, experts: held, shared: held.length === 0 ? 'alone' : experts.shared && !experts.apart ? 'beside' : 'none' };
  }

  get cachePool(): Flow | undefined {
    return this.result.flows?.find((one) => one.name === 'cache pool reads');
  }
}

export function letterOf(pool: string): string {
  return pool.slice(0, 1).toUpperCase();
}

/** Bounds of the colour scale [1]; a load belongs to the last bound that it reaches. */
export const STEPS = [0, 0.001, 0.02, 0.05, 0.1, 0.25, 0.5, 1];

export function stepOf(share: number): number {
  let at = 0;
  while (at + 1 < STEPS.length && share >= (STEPS[at + 1] as number)) at += 1;
  return at;
}

export interface Pick {
  kind: 'rack' | 'node' | 'chip';
  at: number;
}

/** "chip:12" as a choice, null for anything else or what the system has not. */
export function pickOf(text: string, layout: Layout): Pick | null {
  const found = /^(rack|node|chip):(\d{1,6})$/.exec(text);
  if (!found) return null;
  const [kind, at] = [found[1] as Pick['kind'], Number(found[2])];
  const most = { rack: layout.racks, node: layout.nodes, chip: layout.chips }[kind];
  return at < most ? { kind, at } : null;
}

export function pickText(pick: Pick | null): string {
  return pick ? `${pick.kind}:${pick.at}` : '';
}

/** The rack of a node: nodes are dealt over racks as evenly as may be. */
export function rackOf(node: number, layout: Layout): number {
  return Math.floor((node * layout.racks) / layout.nodes);
}

/** First and last device of what was picked. */
export function devicesOf(pick: Pick, layout: Layout): [number, number] {
  if (pick.kind === 'chip') return [pick.at * layout.devices_per_chip, (pick.at + 1) * layout.devices_per_chip - 1];
  const nodes = pick.kind === 'node' ? [pick.at, pick.at] : nodesOf(pick.at, layout);
  return [(nodes[0] as number) * layout.node_devices, Math.min(((nodes[1] as number) + 1) * layout.node_devices, layout.devices) - 1];
}

/** First and last node of a rack. */
export function nodesOf(rack: number, layout: Layout): [number, number] {
  const first = Math.ceil((rack * layout.nodes) / layout.racks);
  return [first, Math.ceil(((rack + 1) * layout.nodes) / layout.racks) - 1];
}

/** The load of the busiest of a layer's links that serve some devices, ends included [1]. */
export function busiest(layer: Layer, from: number, to: number): number {
  let found = 0;
  for (let device = from; device <= to; device += 1) found = Math.max(found, layer.share[layer.own[device] ?? -1] ?? 0);
  return found;
}

/** Links of a layer that carry just the same: as many as `count`, the first of them `first` [from 0]. */
export interface Hot {
  layer: Layer;
  first: number;
  last: number;
  count: number;
  /** A device that the first one serves. */
  device: number;
  share: number;
}

/** The busiest links of a plane, the busiest first; those that carry the same are one. */
export function hottest(placed: Placed, plane: string, most = 10): Hot[] {
  const found = new Map<string, Hot>();
  for (const [place, layer] of placed.layersOf(plane).entries()) {
    const served = new Map<number, number>();
    layer.own.forEach((link, device) => { if (!served.has(link)) served.set(link, device); });
    layer.share.forEach((share, at) => {
      const device = served.get(at);
      if (device === undefined || share <= 0) return;
      const key = `${place} ${share.toPrecision(6)} ${(layer.out[at] ?? 0).toPrecision(6)} ${(layer.in[at] ?? 0).toPrecision(6)}`;
      const one = found.get(key);
      if (one) Object.assign(one, { last: at, count: one.count + 1 });
      else found.set(key, { layer, first: at, last: at, count: 1, device, share });
    });
  }
  return [...found.values()].sort((a, b) => b.share - a.share).slice(0, most);
}

/** What a link hangs on, to be chosen: the chip of a device's port, the node of a link further up. */
export function pickOfLink(hot: Hot, layout: Layout): Pick {
  const node = Math.min(Math.floor(hot.device / layout.node_devices), layout.nodes - 1);
  return hot.layer.kind === 'device port' ? { kind: 'chip', at: Math.floor(hot.device / layout.devices_per_chip) } : { kind: 'node', at: node };
}
