// The form of a training run, as the verb `train` takes it.
import { stated, type Body } from '../../lib/api';
import type { Labels } from '../../lib/hints';

export const DEFAULTS = {
  model: 'deepseek-v3', system: 'nvidia-hgx-h800-8', chips: 2048, tokens: '14.8T', seq: '', batch: '', precision: '', auto: true,
  tp: '', pp: '', dp: '', ep: '', cp: '', schedule: '', recompute: '', zero: '', price: '2', place: '', start: '', failures: false, runs: 1000,
};
export type Fields = typeof DEFAULTS;

const RANKS = ['tp', 'pp', 'dp', 'ep', 'cp'] as const;

/** The request; with `timeline` also the tasks of the pipeline. */
export function request(fields: Fields, timeline = false): Body {
  const ranks = Object.fromEntries(RANKS.map((name) => [name, fields[name] === '' ? '' : Number(fields[name])]));
  return stated({
    model: fields.model, system: fields.system, chips: fields.chips, tokens: fields.tokens, seq: fields.seq, global_batch: fields.batch,
    precision: fields.precision, auto: fields.auto, ...ranks, schedule: fields.schedule, recompute: fields.recompute,
    zero: fields.zero === '' ? '' : Number(fields.zero), price: fields.price, place: fields.place, start: fields.start, explain: true,
    ...(fields.failures ? { failures: true, runs: fields.runs } : {}), timeline,
  });
}

/** The layout that was found, as fields of a request that asks for just it. */
export function found(layout: Record<string, unknown>): Body {
  const named = ['tp', 'pp', 'dp', 'ep', 'cp', 'vp', 'micro_batch', 'schedule', 'recompute', 'zero', 'precision', 'seq', 'global_batch'];
  return Object.fromEntries(named.flatMap((name) => (layout[name] === null || layout[name] === undefined ? [] : [[name, layout[name]]])));
}

const LEAST = 1e-6; // a share below it is not worth a bar

/** Parts above zero, largest first, with their share of the sum. */
export function shares(parts: Record<string, number>, leave: readonly string[] = []): { key: string; value: number; share: number }[] {
  const kept = Object.entries(parts).filter(([key, value]) => value > 0 && !leave.includes(key));
  const sum = kept.reduce((total, [, value]) => total + value, 0);
  const all = kept.map(([key, value]) => ({ key, value, share: value / sum })).sort((a, b) => b.value - a.value);
  return all.filter((one) => one.share >= LEAST);
}

/** Parts of a capacity, largest first, and last what is left of it. */
export function filled(parts: Record<string, number>, rest: number): { key: string; value: number; share: number }[] {
  const all = shares({ ...parts, free: Math.max(rest, 0) });
  return [...all.filter((one) => one.key !== 'free'), ...all.filter((one) => one.key === 'free')];
}

/** Labels of the form's fields by flag, for hints that name flags. */
export function labelsOf(t: (key: any) => string): Labels {
  const keys: Record<string, string> = {
    model: 'model', system: 'system', chips: 'chips', tokens: 'tokens', seq: 'seq', 'global-batch': 'batch', precision: 'precision', auto: 'auto', schedule: 'schedule',
    recompute: 'recompute', zero: 'zero', price: 'price', place: 'place', start: 'start', failures: 'failures', runs: 'runs',
  };
  const ranks = RANKS.map((rank) => [rank, `${t(rank)} (${rank.toUpperCase()})`]);
  return Object.fromEntries([...Object.entries(keys).map(([flag, key]) => [flag, t(key)]), ...ranks]);
}

/** Tokens as the form takes them: "33.6M". */
export function tokensText(count: number): string {
  if (count < 1e5) return String(Math.round(count));
  const [scale, prefix] = ([[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const).find(([at]) => count >= at) ?? [1, ''];
  return `${Number((count / scale).toPrecision(3))}${prefix}`;
}

/** A layout in a few words, such as "TP 2 · PP 16 · DP 64 · EP 32". */
export function layoutText(layout: Record<string, unknown>): string {
  return RANKS.filter((name) => Number(layout[name]) > 1).map((name) => `${name.toUpperCase()} ${layout[name]}`).join(' · ') || 'TP 1';
}
