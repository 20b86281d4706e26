// Ratios as bars from 1 on a log axis, with whiskers over the band.
import type { EChartsCoreOption } from 'echarts/core';
import { ratio } from '../../lib/format';
import type { Line } from './model';

interface Texts {
  axis: string;
  label: (line: Line) => string;
  band: string;
  sides: (line: Line) => string;
}

/** The powers of two that hold a range of ratios and 1. */
export function rangeOf(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(1, ...values), Math.max(1, ...values)];
  return [2 ** Math.min(-1, Math.floor(Math.log2(low))), 2 ** Math.max(1, Math.ceil(Math.log2(high)))];
}

export function ratioOption(lines: readonly Line[], letters: readonly string[], colors: readonly string[], ink: string, texts: Texts): EChartsCoreOption {
  const known = lines.filter((line) => line.against.some((one) => one.ratio !== null));
  const all = known.flatMap((line) => line.against.flatMap((one) => [one.ratio, one.low, one.high].filter((value): value is number => value !== null && value > 0)));
  const [min, max] = rangeOf(all);
  const share = 0.72 / letters.length;
  const series = letters.map((letter, place) => ({
    type: 'custom',
    name: `A/${letter}`,
    color: colors[place],
    encode: { x: [0, 1, 2], y: 3 },
    data: known.flatMap((line, at) => {
      const one = line.against[place];
      return one && one.ratio !== null ? [[one.ratio, one.low, one.high, at]] : [];
    }),
    renderItem: (_: unknown, api: any) => {
      const [value, low, high, at] = [0, 1, 2, 3].map((index) => api.value(index) as number) as [number, number, number, number];
      const height = api.size([0, 1])[1] * share;
      const middle = api.coord([value, at])[1] + (place - (letters.length - 1) / 2) * height;
      const [from, to] = [api.coord([1, at])[0], api.coord([value, at])[0]];
      const [left, right] = [api.coord([low, at])[0], api.coord([high, at])[0]];
      const tick = Math.min(6, height * 0.3);
      const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: ink, lineWidth: 1.5 } });
      const far = Math.max(right, to, from);
      return {
        type: 'group',
        children: [
          { type: 'rect', shape: { x: Math.min(from, to), y: middle - height * 0.42, width: Math.max(1, Math.abs(to - from)), height: height * 0.84 }, style: { fill: colors[place], opacity: 0.85 } },
          line(left, middle, right, middle), line(left, middle - tick, left, middle + tick), line(right, middle - tick, right, middle + tick),
          { type: 'text', style: { x: far + 8, y: middle, text: (letters.length > 1 ? `${letter} ` : '') + ratio(value), fill: ink, verticalAlign: 'middle', fontSize: 12 } },
        ],
      };
    },
  }));
  return {
    grid: { left: 8, right: 64, top: letters.length > 1 ? 34 : 10, bottom: 28, containLabel: true },
    ...(letters.length > 1 ? { legend: { top: 0, data: letters.map((letter) => `A/${letter}`) } } : {}),
    tooltip: {
      trigger: 'item',
      formatter: (event: any) => {
        const [value, low, high, at] = event.value as number[];
        const line = known[at as number] as Line;
        return `${texts.label(line)}\n${event.seriesName}: ${ratio(value)}\n${texts.band}: ${ratio(low)} – ${ratio(high)}\n${texts.sides(line)}`;
      },
    },
    xAxis: { type: 'log', logBase: 2, min, max, name: texts.axis, nameLocation: 'middle', nameGap: 26, axisLabel: { formatter: (value: number) => ratio(value) }, splitLine: { show: true } },
    yAxis: { type: 'category', inverse: true, data: known.map((line) => texts.label(line)), axisTick: { show: false }, splitLine: { show: false } },
    series,
  };
}
