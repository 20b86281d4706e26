// What a run's small file holds (series.json), and how charts read it.

export interface State {
  mean: (number | null)[];
  max?: (number | null)[];
}
export interface PoolSeries {
  name: string;
  time_s: number[];
  running: State;
  waiting: State;
  kv_share: State;
  instances: State;
  link_share?: State;
}
export interface Gantt {
  of: number;
  until_s: number;
  kinds: string[];
  pools: string[];
  start_s: number[];
  duration_s: number[];
  instance: number[];
  kind: number[];
  batch: number[];
  prompt_tokens: number[];
  iterations: number[];
}
export interface Series {
  form: number;
  end_s: number;
  complete: boolean;
  latency: Record<string, any> & { share: number[]; count: Record<string, number> };
  pools: PoolSeries[];
  load: { time_s: number[]; waiting: (number | null)[]; running: (number | null)[] };
  tokens: { time_s: number[]; answer_per_s: (number | null)[]; prompt_per_s: (number | null)[]; cached_share: (number | null)[] };
  events: { time_s: number; instance: number; what: string }[];
  busy: { width_s: number; until_s?: number; instances: { instance: number; pool: string; share: Record<string, (number | null)[]> }[] };
  gantt: Gantt;
}

/** The share of requests at or under each latency: [latency s, share]; empty where none has one. */
export function curveOf(series: Series | null, metric: string): [number, number][] {
  const values = (series?.latency[`${metric}_s`] ?? []) as (number | null)[];
  return values.flatMap((value, at) => (value === null ? [] : [[value, series?.latency.share[at] ?? 0] as [number, number]]));
}

/** The latency that a share of the requests keeps, between the curve's points; null without a curve. */
export function quantileOf(curve: readonly [number, number][], share: number): number | null {
  const at = curve.findIndex((one) => one[1] >= share);
  if (at < 0) return curve.at(-1)?.[0] ?? null;
  const [high, before] = [curve[at], curve[at - 1]];
  if (!high || !before || high[1] === before[1]) return high?.[0] ?? null;
  return before[0] + ((high[0] - before[0]) * (share - before[1])) / (high[1] - before[1]);
}

/** The share of requests that keep a limit; null without a curve. */
export function shareUnder(curve: readonly [number, number][], limit: number): number | null {
  if (!curve.length) return null;
  const kept = curve.filter((one) => one[0] <= limit);
  return kept.length ? (kept.at(-1)?.[1] ?? 0) : 0;
}

/** Pools whose states are drawn: the deployment as a whole is left out where it has one pool. */
export function drawnPools(series: Series): PoolSeries[] {
  const parts = series.pools.filter((one) => one.name !== 'all');
  return parts.length ? parts : series.pools;
}

const pair = (times: readonly number[], values: readonly (number | null)[]): [number, number | null][] => times.map((time, at) => [time, values[at] ?? null]);

export interface Line {
  /** A word of the page, or the name of a pool. */
  name: string;
  points: [number, number | null][];
}
export interface Panel {
  key: 'queue' | 'batch' | 'kv' | 'hits' | 'links' | 'busy' | 'answers' | 'prompts' | 'instances';
  unit: '' | 'share' | 'tok/s';
  lines: Line[];
  /** Lines lie on one another. */
  stacked?: boolean;
}

/** Share of time that instances spent in iterations of each kind, the mean over those that are known. */
export function busyLines(series: Series): Line[] {
  const rows = series.busy.instances;
  const kinds = [...new Set(rows.flatMap((row) => Object.keys(row.share)))].sort();
  const length = Math.max(0, ...rows.flatMap((row) => Object.values(row.share).map((one) => one.length)));
  return kinds.map((kind) => ({
    name: kind,
    points: Array.from({ length }, (_, at) => {
      const sum = rows.reduce((total, row) => total + (row.share[kind]?.[at] ?? 0), 0);
      return [(at + 0.5) * series.busy.width_s, sum / rows.length] as [number, number];
    }).filter(([time]) => time <= (series.busy.until_s ?? Infinity)),
  }));
}

/** The panels of the timeline that have anything to show. */
export function panelsOf(series: Series): Panel[] {
  const pools = drawnPools(series);
  const many = pools.length > 1;
  const states = (key: 'running' | 'waiting' | 'kv_share' | 'instances' | 'link_share'): Line[] =>
    pools.flatMap((pool) => (pool[key] ? [{ name: pool.name, points: pair(pool.time_s, pool[key].mean) }] : []));
  const { load, tokens } = series;
  const hits = tokens.cached_share.some((one) => (one ?? 0) > 0);
  const panels: Panel[] = [
    { key: 'queue', unit: '', lines: many ? states('waiting') : [{ name: 'all', points: pair(load.time_s, load.waiting) }] },
    { key: 'batch', unit: '', lines: many ? states('running') : [{ name: 'all', points: pair(load.time_s, load.running) }] },
    { key: 'kv', unit: 'share', lines: states('kv_share') },
    ...(hits ? [{ key: 'hits' as const, unit: 'share' as const, lines: [{ name: 'all', points: pair(tokens.time_s, tokens.cached_share) }] }] : []),
    { key: 'links', unit: 'share', lines: states('link_share') },
    { key: 'busy', unit: 'share', lines: busyLines(series), stacked: true },
    { key: 'answers', unit: 'tok/s', lines: [{ name: 'all', points: pair(tokens.time_s, tokens.answer_per_s) }] },
    { key: 'prompts', unit: 'tok/s', lines: [{ name: 'all', points: pair(tokens.time_s, tokens.prompt_per_s) }] },
    ...(series.events.length ? [{ key: 'instances' as const, unit: '' as const, lines: states('instances') }] : []),
  ];
  return panels.filter((panel) => panel.lines.some((line) => line.points.length));
}

/** Panels with a second run's lines in them, named "B"; what it has no panel for, and shares of work, stay as they are. */
export function beside(panels: readonly Panel[], others: readonly Panel[]): Panel[] {
  return panels.map((panel) => {
    const other = panel.stacked ? undefined : others.find((one) => one.key === panel.key);
    const named = (line: Line): Line => ({ ...line, name: line.name === 'all' || other?.lines.length === 1 ? 'B' : `B ${line.name}` });
    const own = (line: Line): Line => ({ ...line, name: line.name === 'all' || panel.lines.length === 1 ? 'A' : `A ${line.name}` });
    return other ? { ...panel, lines: [...panel.lines.map(own), ...other.lines.map(named)] } : panel;
  });
}

/** The most of the whole deployment's state over its time, and of each pool. */
export function mostOf(series: Series, key: 'waiting' | 'running' | 'kv_share'): { whole: number; pools: { name: string; most: number }[] } {
  const most = (state: State) => Math.max(0, ...[...state.mean, ...(state.max ?? [])].map((one) => one ?? 0));
  const pools = drawnPools(series).map((one) => ({ name: one.name, most: most(one[key]) }));
  if (key !== 'kv_share') return { whole: most({ mean: series.load[key] }), pools };
  const whole = series.pools.find((one) => one.name === 'all');
  return { whole: whole ? most(whole.kv_share) : Math.max(0, ...pools.map((one) => one.most)), pools };
}

/** The end of a first look at iterations: as many as can be told apart, at most `most` on the fullest instance. */
export function firstLook(gantt: Gantt, most = 60): number {
  const seen = new Map<number, number>();
  for (let at = 0; at < gantt.start_s.length; at += 1) {
    const count = (seen.get(gantt.instance[at] ?? 0) ?? 0) + 1;
    seen.set(gantt.instance[at] ?? 0, count);
    if (count > most) return gantt.start_s[at] ?? gantt.until_s;
  }
  return gantt.until_s;
}

/** Zoom or move a stretch within [0, end]; `wider` scales its length, `by` moves it by a share of its length. */
export function moved(stretch: readonly [number, number], end: number, wider: number, by: number): [number, number] {
  const middle = (stretch[0] + stretch[1]) / 2 + by * (stretch[1] - stretch[0]);
  const length = Math.min(end, Math.max((stretch[1] - stretch[0]) * wider, end * 1e-5));
  const from = Math.min(Math.max(0, middle - length / 2), end - length);
  return [from, from + length];
}
