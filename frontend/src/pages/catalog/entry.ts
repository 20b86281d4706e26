// What `catalog show` answers, as rows.
import { quantity } from '../../lib/format';

export interface OneValue {
  value: number | string | boolean | null;
  unit: string;
  low: number | null;
  high: number | null;
  basis: string;
  source: string | null;
  date: string | null;
  note: string | null;
  rejected?: boolean;
}
export interface ValueRow extends OneValue {
  name: string;
  why: string | null;
  alternatives: OneValue[];
}
export interface Shown {
  kind: string;
  id: string;
  attributes: Record<string, unknown>;
  values: Record<string, OneValue & { why?: string | null; alternatives?: OneValue[] }>;
}

/** Values as rows, in the order of the entry. */
export function rowsOf(shown: Shown): ValueRow[] {
  return Object.entries(shown.values).map(([name, one]) => ({
    ...one, name, why: one.why ?? null, alternatives: one.alternatives ?? [],
  }));
}

/** Attributes as text, the name left out. */
export function attributesOf(shown: Shown): [string, string][] {
  return Object.entries(shown.attributes)
    .filter(([key, value]) => key !== 'name' && value !== null && value !== '')
    .map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
}

/** "chips/nvidia-h20:EPOCH-HW" -> "EPOCH-HW". */
export function shortSource(key: string): string {
  return key.slice(key.lastIndexOf(':') + 1);
}

/** Words in which a list's columns are shown, for those that are quantities. */
export const UNITS: Record<string, string> = { bf16: 'FLOP/s', memory: 'B', bandwidth: 'B/s', power: 'W' };

/** Columns of a list of entries: those of its first entries, id and name first. */
export function columnsOf(entries: readonly Record<string, unknown>[]): string[] {
  const names = new Set<string>();
  for (const one of entries.slice(0, 50)) for (const key of Object.keys(one)) names.add(key);
  return ['name', 'id', ...[...names].filter((key) => key !== 'id' && key !== 'name')];
}

/** Entries that hold every word of a text in any of their fields. */
export function searched<T extends Record<string, unknown>>(entries: readonly T[], text: string): T[] {
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!parts.length) return [...entries];
  return entries.filter((one) => {
    const hay = Object.values(one).join(' ').toLowerCase();
    return parts.every((part) => hay.includes(part));
  });
}

/** A value in words: a quantity with its unit, a text as it is. */
export function shown(one: OneValue): string {
  if (typeof one.value === 'number') return quantity(one.value, one.unit === 'mm2' ? 'mm²' : one.unit);
  if (one.value === null || one.value === '') return '–';
  return typeof one.value === 'boolean' ? (one.value ? '✓' : '✗') : String(one.value);
}
