// The chart of factors: one row a claim or part, right of 1 the test is true, with the interval of the draws.
import { number } from '../../lib/format';
import type { palette } from '../../lib/theme.svelte';
import { toneOf, type Bar } from './model';

export interface Row {
  id: string;
  label: string;
  verdict: string;
  bar: Bar;
  told: string;
}
const [LEAST, MOST] = [1e-3, 1e3];
const SYMBOLS = { good: 'circle', open: 'triangle', bad: 'diamond', plain: 'rect' } as const;
const within = (value: number) => Math.min(MOST, Math.max(LEAST, value));

export function marginOption(rows: readonly Row[], words: { axis: string; verdict: (name: string) => string }, p: ReturnType<typeof palette>, narrow = false) {
  const colour = (verdict: string) => { const tone = toneOf(verdict); return tone === 'plain' ? p.soft : p[tone]; };
  const ends = rows.flatMap((one) => [within(one.bar.low), within(one.bar.high)]);
  const [low, high] = [Math.min(0.5, ...ends.map((one) => one / 1.15)), Math.max(2, ...ends.map((one) => one * 1.15))];
  const marks = narrow ? fewer(ticks(low, high)) : ticks(low, high);
  return {
    animation: false,
    grid: { left: 8, right: 24, top: 14, bottom: 42, containLabel: true },
    tooltip: {
      trigger: 'item', axisPointer: { type: 'none' },
      formatter: (hit: any) => { const row = rows[hit.dataIndex]; return row ? `${words.verdict(row.verdict)}: ${number(row.bar.room)}× (${number(row.bar.low)} – ${number(row.bar.high)}×)\n${wrapped(row.told)}` : ''; },
    },
    xAxis: { type: 'log', min: low, max: high, name: words.axis, nameLocation: 'middle', nameGap: 26, axisLabel: { customValues: marks, formatter: (v: number) => `${number(v)}×` }, axisTick: { customValues: marks } },
    yAxis: { type: 'category', data: rows.map((one) => (narrow ? wrappedId(one.label) : one.label)), inverse: true, axisTick: { show: false }, axisLabel: { fontSize: 11, interval: 0, ...(narrow ? { width: 130, overflow: 'break', lineHeight: 13 } : { width: 300, overflow: 'truncate' }) } },
    series: [
      {
        type: 'custom', silent: true, z: 2, encode: { x: [1, 2], y: 0 }, tooltip: { show: false }, data: rows.map((one, index) => [index, within(one.bar.low), within(one.bar.high)]),
        renderItem: (_: any, api: any) => {
          const row = rows[api.value(0)];
          if (!row) return null;
          const [left, y] = api.coord([api.value(1), api.value(0)]);
          const [right] = api.coord([api.value(2), api.value(0)]);
          const style = { stroke: colour(row.verdict), lineWidth: 2 };
          return { type: 'group', children: [
            { type: 'line', shape: { x1: left, y1: y, x2: right, y2: y }, style }, { type: 'line', shape: { x1: left, y1: y - 4, x2: left, y2: y + 4 }, style }, { type: 'line', shape: { x1: right, y1: y - 4, x2: right, y2: y + 4 }, style },
          ] };
        },
      },
      {
        type: 'scatter', z: 3, symbolSize: 11, cursor: 'pointer',
        data: rows.map((one, index) => ({ value: [within(one.bar.room), index], symbol: SYMBOLS[toneOf(one.verdict)], itemStyle: { color: colour(one.verdict) } })),
        markLine: { silent: true, symbol: 'none', lineStyle: { color: p.ink, width: 1.4, type: 'solid' }, label: { show: false }, data: [{ xAxis: 1 }] },
      },
    ],
  };
}

/** Round numbers inside a range: 1, 2 and 5 of each power of ten; powers alone where that were many. */
export function ticks(low: number, high: number): number[] {
  const steps = high / low > 2000 ? [1] : [1, 2, 5];
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of steps) {
      const value = Number(`${step}e${power}`);
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found;
}

/** At most five of some ticks: powers of ten where there are two, else every second one, with 1 among them. */
export function fewer(all: readonly number[]): number[] {
  if (all.length <= 5) return [...all];
  const powers = all.filter((one) => Number.isInteger(Math.log10(one)));
  if (powers.length > 1) return powers;
  const middle = Math.max(0, all.indexOf(1));
  return all.filter((_, at) => (at - middle) % 2 === 0);
}

/** An id in lines of at most `most` signs, cut behind its hyphens; other texts as they are. */
export function wrappedId(text: string, most = 21): string {
  if (text.includes(' ')) return text;
  const lines = [''];
  for (const word of text.split(/(?<=-)/)) {
    const last = lines[lines.length - 1] as string;
    if (last && last.length + word.length > most) lines.push(word);
    else lines[lines.length - 1] = last + word;
  }
  return lines.join('\n');
}

/** A text in lines of at most 60 signs, for a tooltip that is drawn. */
export function wrapped(text: string, most = 60): string {
  return text.split('\n').map((line) => {
    const lines = [''];
    for (const word of line.split(' ')) {
      const last = lines[lines.length - 1] as string;
      if (last && last.length + word.length + 1 > most) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines.join('\n');
  }).join('\n');
}
