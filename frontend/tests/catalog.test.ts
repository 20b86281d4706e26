import { nameOf } from '../src/pages/catalog/names';
import { describe, expect, it } from 'vitest';
import { attributesOf, columnsOf, rowsOf, searched, shortSource, shown } from '../src/pages/catalog/entry';

const value = { value: 4e12, unit: 'B/s', low: null, high: null, basis: 'published', source: 'chips/x:A', date: null, note: null };

describe('an entry', () => {
  it('keeps the values that were not chosen beside the one that was', () => {
    const rows = rowsOf({ kind: 'chips', id: 'x', attributes: {}, values: { bandwidth: { ...value, alternatives: [{ ...value, rejected: true }] }, power: value } });
    expect(rows.map((row) => [row.name, row.alternatives.length])).toEqual([['bandwidth', 1], ['power', 0]]);
  });
  it('shows quantities with units, words as they are, and says when there is nothing', () => {
    expect(shown(value)).toBe('4 TB/s');
    expect(shown({ ...value, value: 'HBM3', unit: '' })).toBe('HBM3');
    expect(shown({ ...value, value: null })).toBe('–');
  });
  it('names sources shortly', () => expect(shortSource('chips/nvidia-h20:EPOCH-HW')).toBe('EPOCH-HW'));
  it('leaves empty attributes out', () =>
    expect(attributesOf({ kind: 'x', id: 'y', attributes: { name: 'N', a: null, b: [1] }, values: {} })).toEqual([['b', '[1]']]));
});

describe('a list', () => {
  it('finds entries in which every word stands', () => {
    const list = [{ id: 'a', name: 'NVIDIA H20' }, { id: 'b', name: 'NVIDIA H100' }];
    expect(searched(list, 'nvidia h20').map((one) => one.id)).toEqual(['a']);
    expect(searched(list, '')).toHaveLength(2);
  });
  it('begins with name and id', () => expect(columnsOf([{ vendor: 'x', id: 'a', name: 'A' }])).toEqual(['name', 'id', 'vendor']));
});

describe('names of values', () => {
  it.each([['memory.capacity', 'Memory · capacity', '内存 · 容量'], ['facts.die_area', 'die area', '裸片面积'], ['peak.bf16', 'Peak · BF16', '峰值 · BF16'], ['facts.constructor', 'constructor', 'constructor']])('%s is %s', (path, en, zh) => {
    expect(nameOf(path, 'en')).toBe(en);
    expect(nameOf(path, 'zh')).toBe(zh);
  });
});
