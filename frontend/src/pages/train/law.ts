// Laws with a threshold of training compute, one row for each law and threshold.
import type { Threshold } from '../policy/model';

export interface LawRow {
  title: string;
  flop: number;
  rules: string[];
}

/** Rows of what is law, the least threshold first; rules of one law at one threshold are one row. */
export function lawRows(thresholds: readonly Threshold[]): LawRow[] {
  const found = new Map<string, LawRow>();
  for (const one of thresholds) {
    if (!one.lawful) continue;
    const key = `${one.instrument} ${one.threshold}`;
    const row = found.get(key);
    if (row) row.rules.push(one.label);
    else found.set(key, { title: one.title, flop: one.threshold, rules: [one.label] });
  }
  return [...found.values()].sort((a, b) => a.flop - b.flop || (a.title < b.title ? -1 : 1));
}

export const LAW_WORDS = {
  en: { law: 'Law', onDay: '{title}, {day}', rules: 'Rules', apart: 'Run / threshold', notKnown: 'The names of laws cannot be read now; these are figures that laws use.', axis: 'Training compute [FLOP]', above: '{x}× above', below: '{x}× below', figure: 'a figure of laws' },
  zh: { law: '法规', onDay: '{title}，{day}', rules: '规则', apart: '任务 / 阈值', notKnown: '暂时无法读取法规名称；以下是法规使用的数值。', axis: '训练算力 [FLOP]', above: '高 {x}×', below: '低 {x}×', figure: '法规数值' },
};
