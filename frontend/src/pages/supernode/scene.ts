// The drawing of a system: where everything stands, and how it is painted with as much detail as the scale allows.
import { busiest, devicesOf, nodesOf, rackOf, stepOf, type Layer, type Layout, type Pick, type Placed } from './model';

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface Colors {
  back: string;
  raised: string;
  ink: string;
  soft: string;
  line: string;
  pools: Record<string, string>;
  onPool: string;
  cache: string;
  load: string[];
  accent: string;
}
/** What paints: a canvas or an SVG text. Coordinates are of the world; widths of lines and sizes of text are of the screen. */
export interface Painter {
  rect(box: Box, fill: string | null, stroke?: string | null, width?: number): void;
  path(points: readonly number[], stroke: string, width: number): void;
  text(text: string, x: number, y: number, size: number, fill: string, align?: 'left' | 'center'): void;
}
export interface View {
  /** Screen pixels of a unit of the world. */
  scale: number;
  /** The world's place at the middle of the window. */
  x: number;
  y: number;
  width: number;
  height: number;
}

const CHIP = { w: 10, h: 13, gap: 1.5 };
const PAD = 2;
const STRIP = 4;
const CPU = 4;
const CHANNEL = 8;
const BAR = 10;
const LEAF = 6;
const NODE_GAP = 3;
const RACK_GAP = 6;
const TITLE = 8;
const ASPECT = 1.9;
const HEAD = 16; // pixels above all, for the name of the outermost tier

/** Everything's place. Racks stand in rows, nodes in columns inside of them, chips in a grid inside of a node. */
export class Scene {
  readonly node: { w: number; h: number; cols: number; rows: number };
  readonly perRack: number;
  readonly inner: number;
  readonly rack: { w: number; h: number };
  readonly rowRacks: number;
  readonly rows: number;
  readonly rowHeight: number;
  readonly world: Box;
  readonly chipsPerNode: number;
  readonly layout: Layout;

  constructor(readonly placed: Placed) {
    const layout = (this.layout = placed.layout);
    this.chipsPerNode = Math.max(Math.round(layout.node_devices / layout.devices_per_chip), 1);
    const cols = this.chipsPerNode <= 8 ? this.chipsPerNode : Math.ceil(Math.sqrt(this.chipsPerNode * 2));
    const rows = Math.ceil(this.chipsPerNode / cols);
    this.node = { cols, rows, w: 2 * PAD + cols * CHIP.w + (cols - 1) * CHIP.gap, h: 2 * PAD + STRIP + 1 + rows * (CHIP.h + CHIP.gap) + CPU };
    this.perRack = Math.ceil(layout.nodes / layout.racks);
    this.inner = Math.max(1, Math.round(Math.sqrt((this.perRack * this.node.h) / this.node.w / 1.6)));
    const deep = Math.ceil(this.perRack / this.inner);
    this.rack = { w: 2 * PAD + this.inner * (this.node.w + CHANNEL), h: TITLE + PAD + deep * (this.node.h + NODE_GAP) };
    const above = BAR + 3 * LEAF + 14;
    this.rowHeight = this.rack.h + above + 12;
    this.rowRacks = bestRow(layout.racks, this.rack.w + RACK_GAP, this.rowHeight);
    this.rows = Math.ceil(layout.racks / this.rowRacks);
    this.world = { x: 0, y: 0, w: this.rowRacks * (this.rack.w + RACK_GAP) - RACK_GAP, h: this.rows * this.rowHeight };
  }

  rackBox(rack: number): Box {
    const [row, col] = [Math.floor(rack / this.rowRacks), rack % this.rowRacks];
    return { x: col * (this.rack.w + RACK_GAP), y: row * this.rowHeight + this.rowHeight - this.rack.h, w: this.rack.w, h: this.rack.h };
  }
  nodeBox(node: number): Box {
    const rack = rackOf(node, this.layout);
    const box = this.rackBox(rack);
    const at = node - nodesOf(rack, this.layout)[0];
    const [col, row] = [at % this.inner, Math.floor(at / this.inner)];
    return { x: box.x + PAD + col * (this.node.w + CHANNEL), y: box.y + TITLE + row * (this.node.h + NODE_GAP), w: this.node.w, h: this.node.h };
  }
  /** The strip of switches inside a node. */
  stripBox(node: Box): Box {
    return { x: node.x + PAD, y: node.y + PAD, w: node.w - 2 * PAD, h: STRIP };
  }
  chipBox(chip: number): Box {
    const at = chip % this.chipsPerNode;
    const node = this.nodeBox(Math.floor(chip / this.chipsPerNode));
    const [col, row] = [at % this.node.cols, Math.floor(at / this.node.cols)];
    return { x: node.x + PAD + col * (CHIP.w + CHIP.gap), y: node.y + PAD + STRIP + 2 + row * (CHIP.h + CHIP.gap), w: CHIP.w, h: CHIP.h };
  }
  dieBox(chip: Box, die: number): Box {
    const count = this.layout.devices_per_chip;
    const w = (chip.w - 0.6 * (count + 1)) / count;
    return { x: chip.x + 0.6 + die * (w + 0.6), y: chip.y + 2.4, w, h: chip.h - 3 };
  }
  /** The switches of the outermost tier, above a row of racks. */
  barBox(row: number): Box {
    const racks = Math.min(this.rowRacks, this.layout.racks - row * this.rowRacks);
    return { x: 0, y: row * this.rowHeight + 8, w: racks * (this.rack.w + RACK_GAP) - RACK_GAP, h: BAR };
  }
  box(pick: Pick): Box {
    return pick.kind === 'rack' ? this.rackBox(pick.at) : pick.kind === 'node' ? this.nodeBox(pick.at) : this.chipBox(pick.at);
  }

  /** What lies at a place of the world, in as much detail as the scale shows. */
  at(x: number, y: number, scale: number): Pick | null {
    const row = Math.floor(y / this.rowHeight);
    const col = Math.floor(x / (this.rack.w + RACK_GAP));
    const rack = row * this.rowRacks + col;
    if (row < 0 || col < 0 || col >= this.rowRacks || rack >= this.layout.racks || !inside(this.rackBox(rack), x, y)) return null;
    if (detail(scale) === 'rack') return { kind: 'rack', at: rack };
    const [first, last] = nodesOf(rack, this.layout);
    for (let node = first; node <= last; node += 1) {
      if (!inside(this.nodeBox(node), x, y)) continue;
      if (detail(scale) === 'node') return { kind: 'node', at: node };
      for (let chip = node * this.chipsPerNode; chip < Math.min((node + 1) * this.chipsPerNode, this.layout.chips); chip += 1) {
        if (inside(this.chipBox(chip), x, y)) return { kind: 'chip', at: chip };
      }
      return { kind: 'node', at: node };
    }
    return { kind: 'rack', at: rack };
  }
}

/** Racks in a row, so that all rows together are about as wide as a window. */
function bestRow(racks: number, wide: number, high: number): number {
  let [best, least] = [racks, Infinity];
  for (let rows = 1; rows <= racks; rows += 1) {
    const inRow = Math.ceil(racks / rows);
    const off = Math.abs(Math.log((inRow * wide) / (Math.ceil(racks / inRow) * high) / ASPECT));
    if (off < least) [best, least] = [inRow, off];
  }
  return best;
}

function inside(box: Box, x: number, y: number): boolean {
  return x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h;
}

/** The finest thing that is drawn at a scale [pixels a unit]. */
export function detail(scale: number): 'rack' | 'node' | 'chip' | 'die' {
  return scale < 0.12 ? 'rack' : scale < 0.32 ? 'node' : scale < 0.9 ? 'chip' : 'die';
}

export function fitted(scene: Scene, width: number, height: number): View {
  const scale = Math.min(width / (scene.world.w + 8), Math.max(height - HEAD, 1) / (scene.world.h + 4));
  return { scale, x: scene.world.w / 2, y: scene.world.h / 2 - HEAD / 2 / scale, width, height };
}

export interface Words {
  rack: string;
  switchChips: (n: number) => string;
}
export interface Shown {
  plane: string;
  pick: Pick | null;
  words: Words;
}

/** Paint all that the window shows. */
export function paint(scene: Scene, view: View, pen: Painter, colors: Colors, shown: Shown): void {
  const { layout, placed } = scene;
  const seen: Box = { x: view.x - view.width / 2 / view.scale, y: view.y - view.height / 2 / view.scale, w: view.width / view.scale, h: view.height / view.scale };
  const level = detail(view.scale);
  const layers = placed.layersOf(shown.plane);
  for (let row = 0; row < scene.rows; row += 1) {
    if (overlaps({ x: 0, y: row * scene.rowHeight, w: scene.world.w, h: scene.rowHeight }, seen)) bars(scene, row, view, pen, colors, layers, shown, seen);
  }
  for (let rack = 0; rack < layout.racks; rack += 1) {
    const box = scene.rackBox(rack);
    // Links rise above a rack, so what is above it counts as its own.
    if (!overlaps({ x: box.x - RACK_GAP, y: box.y - scene.rowHeight + box.h, w: box.w + 2 * RACK_GAP, h: scene.rowHeight }, seen)) continue;
    pen.rect(box, colors.raised, colors.line, 1);
    const [first, last] = nodesOf(rack, layout);
    if (level === 'rack') {
      rackPools(scene, rack, pen, colors);
      rise(scene, layers, first, last, box.x + box.w / 2, box.y, row(scene, rack), pen, colors, 4);
      continue;
    }
    if (view.scale * TITLE > 7) pen.text(`${shown.words.rack} ${rack + 1}`, box.x + PAD, box.y + TITLE / 2, Math.min(view.scale * 5, 14), colors.soft);
    for (let node = first; node <= last; node += 1) {
      const nodeBox = scene.nodeBox(node);
      const at = node - first;
      const channel = nodeBox.x + nodeBox.w + ((Math.floor(at / scene.inner) + 1) * CHANNEL) / (Math.ceil(scene.perRack / scene.inner) + 1);
      const tip = scene.stripBox(nodeBox).y + STRIP / 2;
      nodeLink(scene, layers, node, nodeBox, channel, tip, row(scene, rack), pen, colors);
      if (overlaps(nodeBox, seen)) paintNode(scene, node, nodeBox, view, seen, pen, colors, layers, level, shown);
    }
  }
  if (shown.pick) pen.rect(grown(scene.box(shown.pick), 1), null, colors.accent, 3);
}

const row = (scene: Scene, rack: number) => Math.floor(rack / scene.rowRacks);
const grown = (box: Box, by: number): Box => ({ x: box.x - by, y: box.y - by, w: box.w + 2 * by, h: box.h + 2 * by });
function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
const widthOf = (step: number) => 0.75 + 0.55 * step;

/** Whether the switches of a layer stand inside the nodes. */
function inNode(scene: Scene, layer: Layer): boolean {
  return layer.kind === 'device port' && layer.switches > 1 && layer.switches === scene.layout.nodes;
}

/** The busiest of a layer's links below which nodes lie. */
function nodeShare(scene: Scene, layer: Layer, first: number, last: number): number {
  const per = scene.layout.node_devices;
  return busiest(layer, first * per, (last + 1) * per - 1);
}

/** The layer whose links leave a node. */
function leaving(scene: Scene, layers: readonly Layer[]): Layer | undefined {
  return layers.find((one) => !inNode(scene, one) && one.switches > 0);
}

function rise(scene: Scene, layers: readonly Layer[], first: number, last: number, x: number, y: number, at: number, pen: Painter, colors: Colors, wide: number): void {
  const layer = leaving(scene, layers);
  if (!layer) return;
  const step = stepOf(nodeShare(scene, layer, first, last));
  const end = landing(scene, layer, at);
  pen.path([x, y, x, end], colors.load[step] as string, Math.min(widthOf(step) + wide / 2, 5));
}

/** Where links of a layer end above a row: at leaves where it has them, else at the bar. */
function landing(scene: Scene, layer: Layer, at: number): number {
  const bar = scene.barBox(at);
  return layer.switches > 1 ? bar.y + BAR + 5 + LEAF : bar.y + BAR;
}

function nodeLink(scene: Scene, layers: readonly Layer[], node: number, box: Box, channel: number, tip: number, at: number, pen: Painter, colors: Colors): void {
  const layer = leaving(scene, layers);
  if (!layer) return;
  const step = stepOf(nodeShare(scene, layer, node, node));
  pen.path([box.x + box.w - PAD, tip, channel, tip, channel, landing(scene, layer, at)], colors.load[step] as string, widthOf(step));
}

/** The pools of a rack as bands, where nodes are too small to be seen. */
function rackPools(scene: Scene, rack: number, pen: Painter, colors: Colors): void {
  const [from, to] = devicesOf({ kind: 'rack', at: rack }, scene.layout);
  const box = scene.rackBox(rack);
  const counts: Record<string, number> = {};
  for (let device = from; device <= to; device += 1) {
    const letter = scene.placed.letter(device);
    if (letter) counts[letter] = (counts[letter] ?? 0) + 1;
  }
  let y = box.y + TITLE;
  for (const [letter, count] of Object.entries(counts)) {
    const h = ((box.h - TITLE - PAD) * count) / (to - from + 1);
    pooled(pen, { x: box.x + PAD, y, w: box.w - 2 * PAD, h }, letter, colors);
    y += h;
  }
}

/** A box in the colour of a pool; prefill has a band besides, so that colour is not alone in telling. */
function pooled(pen: Painter, box: Box, letter: string, colors: Colors): void {
  pen.rect(box, colors.pools[letter] ?? colors.line);
  if (letter === 'P') pen.rect({ x: box.x, y: box.y + box.h * 0.68, w: box.w, h: box.h * 0.16 }, colors.onPool);
}

function paintNode(scene: Scene, node: number, box: Box, view: View, seen: Box, pen: Painter, colors: Colors, layers: readonly Layer[], level: string, shown: Shown): void {
  const { layout, placed } = scene;
  pen.rect(box, colors.back, colors.line, 1);
  const inner = layers.find((one) => inNode(scene, one));
  const strip = scene.stripBox(box);
  if (inner) pen.rect(strip, colors.line);
  const ports = layers.find((one) => one.kind === 'device port');
  // Where devices are joined without switches, what a node's links carry is told by the strip.
  if (ports && ports.switches === 0) pen.rect(strip, colors.load[stepOf(nodeShare(scene, ports, node, node))] as string);
  const chips = Math.min(scene.chipsPerNode, layout.chips - node * scene.chipsPerNode);
  if (layout.cpus > 0) cpus(scene, box, view, pen, colors);
  if (level === 'node') {
    const first = node * layout.node_devices;
    const body = { x: box.x + PAD, y: strip.y + STRIP + 1, w: box.w - 2 * PAD, h: box.h - 2 * PAD - STRIP - 1 - CPU };
    const letters = new Set(Array.from({ length: layout.node_devices }, (_, at) => placed.letter(first + at)).filter(Boolean));
    [...letters].forEach((letter, at) => pooled(pen, { ...body, x: body.x + (at * body.w) / letters.size, w: body.w / letters.size }, letter, colors));
    return;
  }
  if (inner && view.scale > 2.5) {
    const told = inner.switch_chips ? `${inner.tier}: ${shown.words.switchChips(inner.switch_chips)}` : inner.tier;
    pen.text(told, strip.x + 0.6, strip.y + STRIP / 2, Math.min(view.scale * 2.4, 13), colors.ink);
  }
  for (let at = 0; at < chips; at += 1) {
    const chip = node * scene.chipsPerNode + at;
    const chipBox = scene.chipBox(chip);
    if (!overlaps(grown(chipBox, 3), seen)) continue;
    paintChip(scene, chip, chipBox, view, pen, colors, ports, inner ? strip : null, level);
  }
}

function paintChip(scene: Scene, chip: number, box: Box, view: View, pen: Painter, colors: Colors, ports: Layer | undefined, strip: Box | null, level: string): void {
  const { layout, placed } = scene;
  const first = chip * layout.devices_per_chip;
  if (level === 'chip') {
    const step = ports ? stepOf(busiest(ports, first, first + layout.devices_per_chip - 1)) : 0;
    if (ports) pen.rect({ x: box.x, y: box.y, w: box.w, h: 2 }, colors.load[step] as string);
    const letter = placed.letter(first);
    const body = { x: box.x, y: box.y + 2, w: box.w, h: box.h - 2 };
    if (letter) pooled(pen, body, letter, colors);
    else pen.rect(body, null, colors.line, 1);
    return;
  }
  pen.rect(box, colors.raised, colors.line, 1);
  for (let die = 0; die < layout.devices_per_chip; die += 1) {
    const device = first + die;
    const dieBox = scene.dieBox(box, die);
    const letter = placed.letter(device);
    if (ports) {
      const step = stepOf(ports.share[device] ?? 0);
      const x = dieBox.x + dieBox.w / 2;
      const top = strip && box.y - strip.y < 12 ? strip.y + STRIP : box.y - 1;
      pen.path([x, dieBox.y, x, top], colors.load[step] as string, widthOf(step) + (view.scale > 3 ? 1.5 : 0));
    }
    if (letter) pooled(pen, dieBox, letter, colors);
    else pen.rect(dieBox, null, colors.line, 1);
    if (view.scale > 2.2 && letter) dieText(scene, device, dieBox, view, pen, colors, letter);
  }
}

function dieText(scene: Scene, device: number, box: Box, view: View, pen: Painter, colors: Colors, letter: string): void {
  const lies = scene.placed.lies(device);
  if (!lies) return;
  const size = Math.min(view.scale * 2, 16);
  pen.text(view.scale > 4 ? `${letter}${lies.instance.number + 1}` : letter, box.x + box.w / 2, box.y + box.h * 0.22, size, colors.onPool, 'center');
  if (view.scale > 7) {
    pen.text(`#${lies.rank}`, box.x + box.w / 2, box.y + box.h * 0.42, Math.min(view.scale * 1.2, 14), colors.onPool, 'center');
    if (lies.experts) {
      const [from, to] = [lies.experts[0], lies.experts.at(-1)];
      const told = lies.experts.length === 0 ? 'E *' : lies.experts.length === 1 ? `E ${from}` : (to as number) - (from as number) === lies.experts.length - 1 ? `E ${from}–${to}` : `E ${from} …`;
      pen.text(told, box.x + box.w / 2, box.y + box.h * 0.58, Math.min(view.scale * 0.72, 13), colors.onPool, 'center');
    }
  }
}

function cpus(scene: Scene, box: Box, view: View, pen: Painter, colors: Colors): void {
  const count = Math.max(1, Math.round(scene.layout.cpus));
  const w = (box.w - 2 * PAD - (count - 1)) / count;
  const cached = scene.placed.cachePool !== undefined;
  for (let at = 0; at < count; at += 1) {
    const one = { x: box.x + PAD + at * (w + 1), y: box.y + box.h - PAD - CPU + 0.8, w, h: CPU - 0.8 };
    pen.rect(one, cached ? colors.cache : null, cached ? null : colors.line, 1);
    if (view.scale > 2.5) pen.text(cached ? 'CPU · C' : 'CPU', one.x + w / 2, one.y + one.h / 2, Math.min(view.scale * 2.1, 12), cached ? colors.onPool : colors.soft, 'center');
  }
}

/** The switches above a row: leaves, then the outermost tier with its switch chips. */
function bars(scene: Scene, at: number, view: View, pen: Painter, colors: Colors, layers: readonly Layer[], shown: Shown, seen: Box): void {
  const outside = layers.filter((one) => !inNode(scene, one) && one.switches > 0);
  const top = outside.at(-1);
  if (!top) return;
  const bar = scene.barBox(at);
  if (outside.length > 1) leaves(scene, at, pen, colors, outside[0] as Layer, outside[1] as Layer, seen, view);
  pen.rect(bar, colors.raised, colors.soft, 1.5);
  // One tier serves all rows: a spine at the left joins what is drawn above each of them.
  if (at + 1 < scene.rows) pen.path([bar.x, bar.y + BAR / 2, bar.x - 3, bar.y + BAR / 2, bar.x - 3, scene.barBox(at + 1).y + BAR / 2, bar.x, scene.barBox(at + 1).y + BAR / 2], colors.soft, 2.5);
  const size = Math.min(Math.max(view.scale * 6, 9), 15);
  if (at === 0 || view.scale * BAR > 8) {
    const chips = top.switch_chips > 1 ? `, ${shown.words.switchChips(top.switch_chips)}` : '';
    if (at === 0 || size > 11) pen.text(`${top.plane} · ${top.to}${chips}`, bar.x + 2, bar.y - size / view.scale / 1.6, size, at === 0 ? colors.ink : colors.soft);
  }
  const own = Math.round((top.switch_chips * (at + 1)) / scene.rows) - Math.round((top.switch_chips * at) / scene.rows);
  if (top.switch_chips > 1 && own > 0 && own <= 2000 && view.scale * (bar.w / own) > 3) {
    const each = bar.w / own;
    const [from, to] = [Math.max(0, Math.floor((seen.x - bar.x) / each)), Math.min(own - 1, Math.ceil((seen.x + seen.w - bar.x) / each))];
    for (let chip = from; chip <= to; chip += 1) pen.rect({ x: bar.x + chip * each + each * 0.15, y: bar.y + 2.5, w: each * 0.7, h: BAR - 5 }, colors.line);
  }
}

function leaves(scene: Scene, at: number, pen: Painter, colors: Colors, ports: Layer, up: Layer, seen: Box, view: View): void {
  const bar = scene.barBox(at);
  const { layout } = scene;
  const perLeaf = layout.devices / up.lower;
  const y = bar.y + BAR + 5;
  for (let leaf = 0; leaf < up.lower; leaf += 1) {
    // Rails join one device of each domain: their leaves have no place of their own above the racks.
    const aligned = ports.parents[0] === ports.parents[1] || perLeaf <= 1;
    const node = aligned ? Math.min(Math.floor((leaf * perLeaf) / layout.node_devices), layout.nodes - 1) : Math.floor((leaf * layout.nodes) / up.lower);
    const last = aligned ? Math.min(Math.max(Math.ceil(((leaf + 1) * perLeaf) / layout.node_devices) - 1, node), layout.nodes - 1) : node;
    const rack = rackOf(node, layout);
    if (row(scene, rack) !== at) continue;
    const [first, end] = [scene.nodeBox(node), scene.nodeBox(last)];
    const others = up.lower / layout.racks;
    const slot = others > 1 ? (leaf % Math.ceil(others)) / Math.ceil(others) : 0;
    const x = others > 1 ? scene.rackBox(rack).x + PAD + slot * scene.rack.w : Math.min(first.x, end.x);
    const w = others > 1 ? scene.rack.w / Math.ceil(others) - 2 : Math.max(first.x, end.x) - x + scene.node.w;
    const box = { x, y, w: Math.max(w, 3), h: LEAF };
    if (!overlaps(grown(box, 12), seen)) continue;
    const step = stepOf(up.share[leaf] ?? 0);
    pen.path([box.x + box.w / 2, y, box.x + box.w / 2, bar.y + BAR], colors.load[step] as string, widthOf(step) + 1);
    pen.rect(box, colors.raised, colors.soft, 1);
    if (view.scale * LEAF > 9) pen.text(String(leaf + 1), box.x + box.w / 2, y + LEAF / 2, Math.min(view.scale * 4, 12), colors.soft, 'center');
  }
}

/** What colours mean, at the foot of a picture that is taken along. */
export function legend(pen: Painter, view: View, colors: Colors, bounds: readonly string[], names: { load: string; P: string; D: string; S: string; C: string }): void {
  const unit = 1 / view.scale;
  const [left, top] = [view.x - (view.width / 2 - 8) * unit, view.y + (view.height / 2 - 44) * unit];
  pen.rect({ x: left, y: top, w: Math.min(view.width - 16, 640) * unit, h: 40 * unit }, colors.raised, colors.line, 1);
  let x = left + 6 * unit;
  for (const letter of ['P', 'D', 'S', 'C'] as const) {
    if (!names[letter]) continue;
    const box = { x, y: top + 5 * unit, w: 18 * unit, h: 12 * unit };
    if (letter === 'C') pen.rect(box, colors.cache);
    else pooled(pen, box, letter, colors);
    pen.text(`${letter}: ${names[letter]}`, x + 22 * unit, top + 11 * unit, 11, colors.ink);
    x += (48 + 7 * names[letter].length) * unit;
  }
  pen.text(names.load, left + 6 * unit, top + 29 * unit, 11, colors.ink);
  bounds.forEach((bound, at) => {
    const place = left + (140 + at * 62) * unit;
    pen.path([place, top + 29 * unit, place + 18 * unit, top + 29 * unit], colors.load[at] as string, widthOf(at));
    pen.text(bound, place + 21 * unit, top + 29 * unit, 10, colors.ink);
  });
}
