import { describe, expect, it } from 'vitest';
import type { Threshold } from '../src/pages/policy/model';
import { LAW_WORDS, lawRows } from '../src/pages/train/law';

const threshold = (instrument: string, rule: string, size: number, lawful = true): Threshold => ({
  label: `${instrument}/${rule}`, title: `Law ${instrument}`, instrument, standing: lawful ? 'in_force' : 'vetoed', lawful, fact: 'training_flop', op: '>', threshold: size, result: 'false', log10: -1, probability: 0,
});

describe('laws beside a training run', () => {
  it('are told by name, one row for a law and a threshold, what is no law left out', () => {
    const rows = lawRows([threshold('b', 'large', 1e26), threshold('b', 'small', 1e26), threshold('a', 'x', 1e25), threshold('veto', 'x', 1e26, false)]);
    expect(rows).toEqual([{ title: 'Law a', flop: 1e25, rules: ['a/x'] }, { title: 'Law b', flop: 1e26, rules: ['b/large', 'b/small'] }]);
  });
  it('have words in both languages', () => expect(Object.keys(LAW_WORDS.zh)).toEqual(Object.keys(LAW_WORDS.en)));
});
