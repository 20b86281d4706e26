import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { busiest, devicesOf, hottest, nodesOf, pickOf, pickOfLink, pickText, Placed, rackOf, stepOf, STEPS, unrolled, type Layout, type Result } from '../src/pages/supernode/model';
import { onSvg } from '../src/pages/supernode/painters';
import { body, DEFAULTS, fitting, foreign, labelsOf, suggested } from '../src/pages/supernode/question';
import { detail, fitted, paint, Scene, type Colors, type Painter } from '../src/pages/supernode/scene';
import { WORDS } from '../src/pages/supernode/words';

const layout: Layout = { chips: 384, devices: 768, devices_per_chip: 2, node_devices: 16, nodes: 48, racks: 12, other_racks: 4, cpus: 4, pool_planes: ['UB', 'VPC'] };
const metric = { value: 0.12, unit: '1', low: 0.1, high: 0.2, basis: 'derived' };
const result: Result = {
  layout,
  tiers: [{ name: 'UB L1', plane: 'UB', kind: 'scale-up', wiring: 'switch', devices: 16, bytes_per_s: 196e9, reached_bytes_per_s: 164e9, latency_s: 1.2e-6, bisection_bytes_per_s: 1, switch_chips: 336, oversubscription: 1 }],
  assumed: [],
  pools: [
    { name: 'prefill', instances: 6, devices: 32, tp: 1, pp: 1, dp: 32, cp: 1, ep: 32, step_s: 1, step_low_s: 1, step_high_s: 1, request_per_s: 1, busy: 1, memory: {}, experts: { routed: 256, copies: 32, shared: 1, ranks: Array.from({ length: 32 }, (_, at) => [at * 9, at * 9 + 1]), apart: 0, within: 1, layers: 58 } },
    { name: 'decode', instances: 1, devices: 320, tp: 1, pp: 1, dp: 320, cp: 1, ep: 320, step_s: 1, step_low_s: 1, step_high_s: 1, request_per_s: 1, busy: 1, memory: {}, experts: { routed: 256, copies: 32, shared: 1, ranks: [...Array.from({ length: 288 }, (_, at) => [at % 256]), ...Array.from({ length: 32 }, () => [])], apart: 32, within: 1, layers: 58 } },
  ],
  instances: [
    ...Array.from({ length: 6 }, (_, number) => ({ pool: 'prefill', number, first: 32 * number, devices: 32, first_node: 2 * number, last_node: 2 * number + 1 })),
    { pool: 'decode', number: 0, first: 192, devices: 320, first_node: 12, last_node: 31 },
  ],
  flows: [],
  links: [
    { plane: 'UB', tier: 'UB L1', to: 'UB L1', kind: 'device port', lower: 768, lower_devices: 1, switches: 48, switch_chips: 7, parent: Array.from({ length: 48 }, (_, at): [number, number] => [16, at]), capacity_bytes_per_s: [[768, 164e9]], out_bytes_per_s: [[512, 2e10], [256, 0]], in_bytes_per_s: [[512, 2e10], [256, 0]], out_share: [[512, 0.12], [256, 0]], in_share: [[512, 0.1], [256, 0]], by: { 'prefill: dispatch': { out: [[192, 7e9], [576, 0]], in: [[192, 7e9], [576, 0]] } }, busiest_share: metric },
    { plane: 'UB', tier: 'UB L2', to: 'UB L2', kind: 'uplink', lower: 48, lower_devices: 16, switches: 1, switch_chips: 112, parent: [[48, 0]], capacity_bytes_per_s: [[48, 2.5e12]], out_bytes_per_s: [[32, 2e11], [16, 0]], in_bytes_per_s: [[32, 2e11], [16, 0]], out_share: [[32, 0.07], [16, 0]], in_share: [[32, 0.07], [16, 0]], by: {}, busiest_share: metric },
  ],
};
const placed = new Placed(result);
const scene = new Scene(placed);
const colors: Colors = { back: '#fff', raised: '#eee', ink: '#000', soft: '#555', line: '#ccc', pools: { P: '#0a0', D: '#00a' }, onPool: '#fff', cache: '#a0a', load: STEPS.map((_, at) => `#00000${at}`), accent: '#f00' };
const shown = { plane: 'UB', pick: null, words: { rack: 'Rack', switchChips: (n: number) => `${n} switch chips` } };

describe('an answer', () => {
  it('is unrolled', () => {
    expect([...unrolled([[2, 1], [1, 0.5]])]).toEqual([1, 1, 0.5]);
    expect(placed.layers[0]?.share[0]).toBe(0.12);
    expect(placed.layers[0]?.share.length).toBe(768);
  });
  it('knows where a device lies', () => {
    expect(placed.lies(33)).toMatchObject({ rank: 1, experts: [9, 10], shared: 'beside', instance: { number: 1 } });
    expect(placed.lies(192 + 288)).toMatchObject({ rank: 288, experts: [], shared: 'alone' });
    expect(placed.lies(192)).toMatchObject({ experts: [0], shared: 'none' });
    expect(placed.lies(700)).toBeNull();
    expect([placed.letter(0), placed.letter(192), placed.letter(700)]).toEqual(['P', 'D', '']);
  });
});

describe('links', () => {
  it('of rails are found through the leaf that a device hangs on', () => {
    const base = result.links?.[0];
    if (!base) throw new Error('no link');
    const leaf = { ...base, plane: 'RDMA', switches: 2, parent: Array.from({ length: 768 }, (_, at): [number, number] => [1, at % 2]) };
    const core = { ...leaf, kind: 'uplink' as const, lower: 2, lower_devices: 384, switches: 1, parent: [[2, 0]] as [number, number][], out_share: [[1, 0.1], [1, 0.6]] as [number, number][], in_share: [[2, 0]] as [number, number][] };
    const [, up] = new Placed({ ...result, links: [leaf, core] }).layers;
    if (!up) throw new Error('no layer');
    expect([busiest(up, 0, 0), busiest(up, 1, 1), busiest(up, 0, 15)]).toEqual([0.1, 0.6, 0.6]);
  });
  it('are told by the busiest, those that carry the same as one', () => {
    const base = result.links?.[0];
    if (!base) throw new Error('no link');
    const port = { ...base, out_share: [[2, 0.1], [1, 0.7], [765, 0.2]] as [number, number][], in_share: [[768, 0.05]] as [number, number][], out_bytes_per_s: [[768, 1]] as [number, number][], in_bytes_per_s: [[768, 1]] as [number, number][] };
    const told = new Placed({ ...result, links: [port] });
    const found = hottest(told, 'UB');
    expect(found.map(({ first, last, count, share }) => ({ first, last, count, share }))).toEqual([{ first: 2, last: 2, count: 1, share: 0.7 }, { first: 3, last: 767, count: 765, share: 0.2 }, { first: 0, last: 1, count: 2, share: 0.1 }]);
    expect(pickOfLink(found[0]!, told.layout)).toEqual({ kind: 'chip', at: 1 });
    expect(pickOfLink({ ...found[0]!, layer: { ...found[0]!.layer, kind: 'uplink' }, device: 767 }, told.layout)).toEqual({ kind: 'node', at: told.layout.nodes - 1 });
    expect(hottest(told, 'UB', 1)).toHaveLength(1);
  });
  it('of a tree are those of the node', () => {
    const up = placed.layers[1];
    if (!up) throw new Error('no layer');
    expect([busiest(up, 0, 15), busiest(up, 496, 511), busiest(up, 512, 527)]).toEqual([0.07, 0.07, 0]);
  });
});

describe('places', () => {
  it('nodes are dealt over racks, each into one', () => {
    for (const [nodes, racks] of [[48, 12], [1024, 160], [18, 1], [7, 3]] as const) {
      const own = { ...layout, nodes, racks };
      const seen: number[] = [];
      for (let rack = 0; rack < racks; rack += 1) {
        const [first, last] = nodesOf(rack, own);
        for (let node = first; node <= last; node += 1) {
          expect(rackOf(node, own)).toBe(rack);
          seen.push(node);
        }
      }
      expect(seen).toEqual(Array.from({ length: nodes }, (_, at) => at));
    }
  });
  it('a choice is text in the address', () => {
    expect(pickOf('chip:383', layout)).toEqual({ kind: 'chip', at: 383 });
    for (const text of ['chip:384', 'rack:12', 'die:1', 'chip:-1', 'chip:1e3', '']) expect(pickOf(text, layout)).toBeNull();
    expect(pickText({ kind: 'node', at: 3 })).toBe('node:3');
    expect(devicesOf({ kind: 'rack', at: 1 }, layout)).toEqual([64, 127]);
    expect(devicesOf({ kind: 'chip', at: 5 }, layout)).toEqual([10, 11]);
  });
  it('what is drawn is found again at its place', () => {
    for (const chip of [0, 7, 100, 383]) {
      const box = scene.chipBox(chip);
      expect(scene.at(box.x + 1, box.y + 1, 5)).toEqual({ kind: 'chip', at: chip });
      expect(scene.at(box.x + 1, box.y + 1, 0.2)).toEqual({ kind: 'node', at: Math.floor(chip / 8) });
      expect(scene.at(box.x + 1, box.y + 1, 0.05)).toEqual({ kind: 'rack', at: Math.floor(chip / 32) });
    }
    expect(scene.at(-5, -5, 5)).toBeNull();
  });
  it('boxes of one kind do not overlap and lie in the world', () => {
    const boxes = Array.from({ length: 48 }, (_, at) => scene.nodeBox(at));
    boxes.forEach((a, at) => {
      expect(a.x).toBeGreaterThanOrEqual(0);
      expect(a.y + a.h).toBeLessThanOrEqual(scene.world.h);
      boxes.slice(at + 1).forEach((b) => expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false));
    });
  });
});

describe('the picture', () => {
  function counted(scale: number): { rects: number; paths: number; texts: string[] } {
    const found = { rects: 0, paths: 0, texts: [] as string[] };
    const pen: Painter = { rect: () => void (found.rects += 1), path: () => void (found.paths += 1), text: (text) => void found.texts.push(text) };
    paint(scene, { ...fitted(scene, 1000, 560), scale }, pen, colors, shown);
    return found;
  }
  it('has more detail the nearer it is, and leaves out what is not seen', () => {
    expect([0.05, 0.2, 0.5, 2].map(detail)).toEqual(['rack', 'node', 'chip', 'die']);
    const [far, node, die, near] = [0.05, 0.2, 1.5, 20].map(counted);
    expect(far?.rects).toBeLessThan(60);
    expect(node?.rects).toBeGreaterThan(far?.rects ?? 0);
    expect(die?.rects).toBeGreaterThan(node?.rects ?? 0);
    expect(near?.rects).toBeLessThan(die?.rects ?? 0);
    expect(die?.paths).toBeGreaterThan(384);
    expect(counted(1.5).texts.some((text) => text.includes('112 switch chips'))).toBe(true);
  });
  it('of 8,192 chips far away is made of few parts', () => {
    const large = new Placed({ ...result, layout: { ...layout, chips: 8192, devices: 8192, devices_per_chip: 1, node_devices: 8, nodes: 1024, racks: 160 }, links: [], instances: [], pools: [] });
    const world = new Scene(large);
    let parts = 0;
    const pen: Painter = { rect: () => void (parts += 1), path: () => void (parts += 1), text: () => undefined };
    paint(world, { ...fitted(world, 1000, 560), scale: 0.1 }, pen, colors, shown);
    expect(parts).toBeLessThan(2000);
  });
  it('as SVG is escaped', () => {
    const view = fitted(scene, 800, 500);
    const { pen, done } = onSvg(view, '#fff', ['a <b> & "c"']);
    paint(scene, view, pen, colors, { ...shown, words: { ...shown.words, switchChips: () => '<script>' } });
    pen.text('<img onerror="x">', 1, 1, 12, '#000');
    const text = done();
    expect(text).not.toContain('<script>');
    expect(text).not.toContain('<img');
    expect(text).toContain('&#60;img');
    expect(text).toContain('&#60;b&#62; &#38;');
  });
  it('tells load by steps', () => {
    expect([0, 0.0005, 0.001, 0.07, 0.5, 3].map(stepOf)).toEqual([0, 0, 1, 3, 6, 7]);
  });
});

describe('the question', () => {
  it('is that of the paper at first, and leaves out what is not asked', () => {
    expect(body(DEFAULTS)).toMatchObject({ system: 'huawei-cloudmatrix-384', decode: 'instances=1,devices=320,ep=320', mtp_accept: 0.7, reuse: 0.5 });
    expect(body({ ...DEFAULTS, mtp: 0, reuse: 0 })).toMatchObject({ mtp_tokens: '', mtp_accept: '', reuse: '' });
    expect(body({ ...DEFAULTS, serve: 'devices=8,tp=8' })).not.toHaveProperty('prefill');
    expect(body({ ...DEFAULTS, lay: false })).toEqual({ system: 'huawei-cloudmatrix-384' });
  });
  it('with another system alone gets a deployment that fits it', () => {
    expect(foreign(DEFAULTS)).toBe(false);
    expect(foreign({ ...DEFAULTS, system: 'nvidia-gb200-nvl72' })).toBe(true);
    expect(foreign({ ...DEFAULTS, system: 'nvidia-gb200-nvl72', prefill: 'instances=1' })).toBe(false);
    expect(fitting(72, false)).toMatchObject({ prefill: 'instances=1,devices=16,ep=16', engine: '', reuse: 0 });
    expect(fitting(768, true)['reuse']).toBe(0.5);
    expect(labelsOf((key) => key)).toMatchObject({ reuse: 'reuse', decode: 'decodePool' });
  });
  it('suggests pools that fit', () => {
    for (const devices of [1, 4, 8, 16, 72, 256, 768, 9216]) {
      const { prefill, decode, serve } = suggested(devices);
      const used = [prefill, decode, serve].filter(Boolean).map((text) => Number(/instances=(\d+)/.exec(text)?.[1]) * Number(/devices=(\d+)/.exec(text)?.[1]));
      expect(used.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(devices);
    }
  });
});

describe('words', () => {
  it('are the same in both languages, places included', () => {
    const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((one) => one[1]).sort();
    expect(Object.keys(WORDS.zh).sort()).toEqual(Object.keys(WORDS.en).sort());
    for (const key of Object.keys(WORDS.en) as (keyof typeof WORDS.en)[]) expect(places(WORDS.zh[key]), key).toEqual(places(WORDS.en[key]));
  });
  it('are all used', () => {
    const source = ['Page', 'Drawing', 'Selection'].map((name) => readFileSync(new URL(`../src/pages/supernode/${name}.svelte`, import.meta.url), 'utf8')).join('\n');
    const unused = Object.keys(WORDS.en).filter((key) => !source.includes(`'${key}'`));
    expect(unused).toEqual([]);
  });
});
