import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: {
    title: 'Catalog',
    lead: 'Every fact that an answer can rest on: its unit, what it is based on, its source, and the values that were not chosen.',
    inEnglish: 'Notes, titles and names are in English, as in the sources.', kind: 'Kind', search: 'Search by name, id or maker', entries: '{n} entries', noMatch: 'Nothing in {kind} matches "{text}".',
    name: 'Name', id: 'Id', quantity: 'Quantity', value: 'Value', basis: 'Basis', source: 'Source', date: 'As of', note: 'Note',
    alternatives: 'Values not chosen ({n})', rejected: 'rejected', why: 'Why this one', facts: 'Facts', attributes: 'Attributes',
    back: 'All {kind}', onPolicy: 'Export class', onMap: 'Drawing',
    chips: 'Chips', systems: 'Systems', models: 'Models', prices: 'Prices', engines: 'Engines', workloads: 'Workloads', places: 'Places',
    support: 'Engine support', origins: 'Origins', calibration: 'Calibration', collectives: 'Collectives', training: 'Training',
    reliability: 'Reliability', instruments: 'Instruments of law', groups: 'Country groups', parties: 'Parties', licences: 'Licences',
    governance: 'Governance instruments', deployments: 'Deployments', claims: 'Claims', conformance: 'Conformance', risks: 'Risks',
    vendor: 'Maker', announced: 'Announced', released: 'Released', memory: 'Memory', bandwidth: 'Memory bandwidth', power: 'Power', bf16: 'BF16, dense', country: 'Country', chip: 'Chip', status: 'Status', publisher: 'Publisher', unit: 'Unit', low: 'Low', high: 'High', chosen: 'Chosen',
    conflicts: 'Only values on which sources differ',
  },
  zh: {
    title: '目录',
    lead: '答案所依据的每一项事实：单位、依据、来源，以及未被采用的其他数值。',
    inEnglish: '备注、标题与名称沿用来源中的英文。', kind: '类别', search: '按名称、标识或厂商搜索', entries: '共 {n} 条', noMatch: '“{kind}”中没有与“{text}”相符的条目。',
    name: '名称', id: '标识', quantity: '项目', value: '数值', basis: '依据', source: '来源', date: '日期', note: '说明',
    alternatives: '未采用的数值（{n}）', rejected: '已排除', why: '采用理由', facts: '数值', attributes: '属性',
    back: '全部{kind}', onPolicy: '出口管制分类', onMap: '结构图',
    chips: '芯片', systems: '系统', models: '模型', prices: '价格', engines: '推理引擎', workloads: '负载', places: '地点',
    support: '引擎支持情况', origins: '产地', calibration: '标定', collectives: '集合通信', training: '训练',
    reliability: '可靠性', instruments: '法律文件', groups: '国家组', parties: '主体', licences: '许可证',
    governance: '治理文件', deployments: '部署', claims: '说法', conformance: '互认测试', risks: '风险',
    vendor: '厂商', announced: '发布日期', released: '发布日期', memory: '内存', bandwidth: '内存带宽', power: '功率', bf16: 'BF16（稠密）', country: '国家', chip: '芯片', status: '状态', publisher: '发布者', unit: '单位', low: '下限', high: '上限', chosen: '采用',
    conflicts: '只看来源不一致的数值',
  },
} satisfies Dictionary;
