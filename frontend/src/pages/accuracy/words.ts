import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: {
    title: 'Accuracy',
    lead: 'Predictions beside published measurements. Each row is predicted with constants fitted without its source, chip, model or system, which is what to expect where nobody has fitted.',
    group: 'Measurements of', inference: 'Inference', training: 'Training', collectives: 'Collectives', failures: 'Failures of machines',
    way: 'Left out of the fit', source: 'the source', chip: 'the chip', model: 'the model', system: 'the system',
    metric: 'Quantity', all: 'all', only: 'Source', rows: 'Rows', error: 'Macro error', median: 'Median error', bias: 'Bias', coverage: 'Inside the interval', width: 'High over low',
    errorHelp: 'mean over sources of the median error of each', coverageHelp: 'aimed at: {level} of measured values', skippedHelp: '{n} more cannot be scored',
    chart: 'Predicted against measured', measured: 'Measured', predicted: 'Predicted', low: 'Low', high: 'High', ratio: 'Predicted / measured', inside: 'Inside', id: 'Row',
    summary: '{n} rows of {sources} sources; {inside} % of measured values lie in their interval.', perfect: 'equal', ratioAxis: 'Predicted over measured', 
    bySource: 'By source', bySourceSummary: 'Median error and coverage of {n} sources.', yes: 'yes', no: 'no',
    method: 'A source counts once in the macro error, whatever its rows. The tables with all details, and the command that repeats them, are in the documentation (accuracy).',
    unit: 'Unit', noUnit: 'ratio or count', byUnit: 'Quantities by their unit, a column for each source', mixedNote: 'Values of several units stand on no common axis: ratios are drawn. Choose a quantity to see values.', ratioMode: 'Draw ratios instead of values',
  },
  zh: {
    title: '准确度',
    lead: '预测值与公开实测值的对照。每一行都用未包含其来源、芯片、模型或系统的常数来预测，这正是在无人标定之处可以期待的结果。',
    group: '实测类别', inference: '推理', training: '训练', collectives: '集合通信', failures: '机器故障',
    way: '标定时排除', source: '来源', chip: '芯片', model: '模型', system: '系统',
    metric: '指标', all: '全部', only: '来源', rows: '行数', error: '宏误差', median: '误差中位数', bias: '偏差', coverage: '落入区间', width: '上限/下限',
    errorHelp: '各来源误差中位数的平均', coverageHelp: '目标：{level} 的实测值', skippedHelp: '另有 {n} 行无法评分',
    chart: '预测与实测', measured: '实测', predicted: '预测', low: '下限', high: '上限', ratio: '预测 / 实测', inside: '区间内', id: '行',
    summary: '{sources} 个来源的 {n} 行；{inside} % 的实测值落在区间内。', perfect: '相等', ratioAxis: '预测 / 实测', 
    bySource: '按来源', bySourceSummary: '{n} 个来源的误差中位数与覆盖率。', yes: '是', no: '否',
    method: '计算宏误差时，每个来源无论有多少行都只计一次。全部细节的表格与复现命令见文档（accuracy）。',
    unit: '单位', noUnit: '比值或计数', byUnit: '按单位分组的指标，每个来源一列', mixedNote: '单位不同的数值没有共同的坐标轴：此处画的是比值。选择一个指标即可查看数值。', ratioMode: '画比值而非数值',
  },
} satisfies Dictionary;
