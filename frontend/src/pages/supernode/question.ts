// What the page asks: a system, and a deployment that is laid on it. The defaults are those of a published run on the machine.
import type { Body } from '../../lib/api';
import type { Labels } from '../../lib/hints';

export const DEFAULTS = {
  system: 'huawei-cloudmatrix-384', lay: true, model: 'deepseek-r1',
  prefill: 'instances=6,devices=32,ep=32', decode: 'instances=1,devices=320,ep=320', serve: '',
  engine: 'cloudmatrix-infer', weights: 'int8', isl: 4096, osl: 256, batch: 48, tokens: 8192, mtp: 1, accept: 0.7, reuse: 0.5, cache: '',
  plane: '', pick: '', zoom: 0, x: 0, y: 0,
};
export type Fields = typeof DEFAULTS;

/** The request to `fabric`: with the deployment, or of the system alone. */
export function body(f: Fields, laid = f.lay): Body {
  if (!laid) return { system: f.system };
  return {
    system: f.system, model: f.model, ...(f.serve.trim() ? { serve: f.serve.trim() } : { prefill: f.prefill.trim(), decode: f.decode.trim() }), engine: f.engine, weights: f.weights,
    isl: f.isl, osl: f.osl, batch_per_device: f.batch, tokens_per_device: f.tokens,
    mtp_tokens: f.mtp || '', mtp_accept: f.mtp ? f.accept : '', reuse: f.reuse || '', cache_plane: f.reuse ? f.cache : '',
  };
}

const PLACED = ['lay', 'model', 'prefill', 'decode', 'serve', 'engine', 'weights', 'reuse', 'cache'] as const;

/** Whether another system is asked for with the deployment of the default one, which an address that names a system alone does. */
export const foreign = (f: Fields): boolean => f.system !== DEFAULTS.system && PLACED.every((name) => f[name] === DEFAULTS[name]);

/** The deployment that is laid on a system of so many devices for a start; without pooled memory nothing is reused. */
export function fitting(devices: number, pooled: boolean): Partial<Fields> {
  return { ...suggested(devices), engine: '', weights: '', cache: '', reuse: pooled ? DEFAULTS.reuse : 0 };
}

/** Labels of the form's fields by flag, for hints that name flags. */
export function labelsOf(t: (key: any) => string): Labels {
  const keys: Record<string, string> = {
    system: 'system', model: 'model', prefill: 'prefillPool', decode: 'decodePool', serve: 'servePool', engine: 'engine', weights: 'weights', isl: 'isl', osl: 'osl', 'batch-per-device': 'batch',
    'tokens-per-device': 'tokens', 'mtp-tokens': 'mtp', 'mtp-accept': 'accept', reuse: 'reuse', 'cache-plane': 'cache',
  };
  return Object.fromEntries(Object.entries(keys).map(([flag, key]) => [flag, t(key)]));
}

/** Pools that fit a system of so many devices, for a start. */
export function suggested(devices: number): { prefill: string; decode: string; serve: string } {
  const below = (most: number) => 2 ** Math.max(0, Math.floor(Math.log2(Math.max(most, 1))));
  if (devices >= 512) return { prefill: DEFAULTS.prefill, decode: DEFAULTS.decode, serve: '' };
  if (devices < 32) {
    const all = below(devices);
    return { prefill: '', decode: '', serve: `instances=1,devices=${all},tp=${all}` };
  }
  const [small, large] = [below(devices / 4), below(devices / 2)];
  return { prefill: `instances=1,devices=${small},ep=${small}`, decode: `instances=1,devices=${large},ep=${large}`, serve: '' };
}
