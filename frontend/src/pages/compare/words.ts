import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: {
    title: 'Compare systems',
    lead: 'Two to four systems side by side, each figure recomputed from sourced facts. A ratio carries the band that disagreeing sources leave; what no source states is shown as unknown.',
    systems: 'Systems', systemsHelp: 'Two to four; the first is A, which the others are set against.', level: 'Share of claims inside a band',
    first: 'A is', views: 'Counted', totals: 'Totals', 'per chip': 'Per chip', 'per rack': 'Per rack', 'per watt': 'Per watt', 'per dollar': 'Per dollar',
    ratios: 'Ratios of A, {view}', ratioAxis: 'A over the other (log scale)', ratioSummary: '{n} ratios of {a} over {others}. {most}', mostSaid: 'The largest is {name}, {ratio}.',
    tableTitle: 'Figures and verdicts, {view}', dimension: 'Quantity', ratio: 'Ratio', band: 'Band', verdict: 'Verdict', unit: 'Unit', of: 'Other',
    details: 'Details', detailsOf: 'Details of {name}', swap: 'Swap the first two',
    noUnitHere: 'no unit', more: 'A more', less: 'A less', equal: 'equal', open: 'open', unknownVerdict: 'cannot tell', noUnit: '{who}: no {format} unit',
    everySource: 'every source', noneDisagrees: 'no source disagrees', withinBand: 'within the band', wideEstimate: 'wide estimate', disagree: 'sources disagree',
    tooFew: 'Choose at least two systems.', nothing: 'No figure of this kind is known for both.', notes: 'Notes on figures in doubt', legend: 'm measured, p published, d derived, e estimate, a assumed. The band holds {level} of what all kept sources give. A green verdict holds by every source; an amber one is open.',
    priceNote: 'Prices are of the systems alone. Capital on the page Plan holds the network between systems too: 12.5 % of the price (10 – 15 %), unless a source has it in.',
    openSystem: 'Show in the catalog', plan: 'Plan with these systems', low: 'Low', high: 'High', stale: 'This is the answer to the question before.',
    bf16: 'Dense BF16', int8: 'INT8', fp8: 'FP8', lowest_precision: 'Lowest precision', hbm_capacity: 'HBM capacity', hbm_bandwidth: 'HBM bandwidth', scaleup: 'Scale-up, one way', scaleout: 'Scale-out, one way', power: 'Power', price: 'Price', chips: 'Chips', racks: 'Racks',
  },
  zh: {
    title: '系统比较',
    lead: '并排比较两到四个系统，每个数值都由有来源的事实重新计算。比值附有来源分歧所留下的区间；没有来源说明的项目显示为未知。',
    systems: '系统', systemsHelp: '两到四个；第一个为 A，其余与它比较。', level: '区间所含说法的比例',
    first: 'A 为', views: '计量方式', totals: '总量', 'per chip': '每芯片', 'per rack': '每机柜', 'per watt': '每瓦', 'per dollar': '每美元',
    ratios: 'A 的比值（{view}）', ratioAxis: 'A 与另一系统之比（对数轴）', ratioSummary: '{a} 对 {others} 的 {n} 个比值。{most}', mostSaid: '最大的是{name}，为 {ratio}。',
    tableTitle: '数值与结论（{view}）', dimension: '指标', ratio: '比值', band: '区间', verdict: '结论', unit: '单位', of: '另一系统',
    details: '详情', detailsOf: '{name}的详情', swap: '交换前两个',
    noUnitHere: '无此单元', more: 'A 更多', less: 'A 更少', equal: '相等', open: '未定', unknownVerdict: '无法判断', noUnit: '{who} 没有 {format} 运算单元',
    everySource: '所有来源一致', noneDisagrees: '没有来源反对', withinBand: '在区间内成立', wideEstimate: '估计范围很宽', disagree: '来源不一致',
    tooFew: '请至少选择两个系统。', nothing: '两个系统都没有这类已知数值。', notes: '对存疑数值的说明', legend: 'm 实测，p 公布，d 推算，e 估计，a 假设。区间包含所有保留来源取值的 {level}。绿色结论为所有来源一致，琥珀色为未定。',
    priceNote: '价格仅为系统本身。“规划”页的资本支出还包括系统之间的网络：价格的 12.5 %（10 – 15 %），除非来源的价格已包含。',
    openSystem: '在目录中查看', plan: '用这些系统做规划', low: '下限', high: '上限', stale: '这是上一个问题的答案。',
    bf16: '稠密 BF16', int8: 'INT8', fp8: 'FP8', lowest_precision: '最低精度', hbm_capacity: 'HBM 容量', hbm_bandwidth: 'HBM 带宽', scaleup: '超节点内单向带宽', scaleout: '超节点间单向带宽', power: '功率', price: '价格', chips: '芯片数', racks: '机柜数',
  },
} satisfies Dictionary;
