import type { Dictionary } from './i18n.svelte';

/** Words that several pages share. */
export const COMMON = {
  en: {
    title: 'Accord', skip: 'Skip to the content',
    pages: 'Pages', language: 'Language', theme: 'Theme', light: 'Light', dark: 'Dark', menu: 'Menu',
    plan: 'Plan', compare: 'Compare', supernode: 'Supernode', simulate: 'Simulate', train: 'Train', policy: 'Policy',
    claims: 'Claims', catalog: 'Catalog', accuracy: 'Accuracy',
    notFound: 'There is no such page', loading: 'Loading', run: 'Run', stop: 'Stop', resume: 'Resume',
    table: 'Table', chart: 'Chart', export: 'Export', sources: 'Sources', warnings: 'Notes', hint: 'Hint',
    error: 'This cannot be answered', cite: 'Cite', none: 'none',
    source: 'Source', publisher: 'Publisher', date: 'Date', where: 'Where', basis: 'Basis', value: 'Value', interval: '90 % interval',
    unknown: 'unknown', choose: 'Choose', search: 'Search', clear: 'Clear', file: 'File', more: 'More', queued: 'queued', running: 'running',
    token: 'This server asks for a token', tokenHint: 'It is kept in this window alone.', send: 'Send', showMore: 'Show all {n} rows', dropFile: 'Choose a file or drop it here',
    of: '{done} of {total}', measured: 'measured', published: 'published', derived: 'derived', estimate: 'estimate', assumed: 'assumed',
  },
  zh: {
    title: 'Accord', skip: '跳到正文',
    pages: '页面', language: '语言', theme: '主题', light: '浅色', dark: '深色', menu: '菜单',
    plan: '规划', compare: '比较', supernode: '超节点', simulate: '模拟', train: '训练', policy: '政策',
    claims: '说法核查', catalog: '目录', accuracy: '准确度',
    notFound: '没有这个页面', loading: '正在载入', run: '运行', stop: '停止', resume: '继续',
    table: '表格', chart: '图', export: '导出', sources: '来源', warnings: '说明', hint: '提示',
    error: '无法回答', cite: '引用', none: '无',
    source: '来源', publisher: '发布者', date: '日期', where: '位置', basis: '依据', value: '数值', interval: '90 % 区间',
    unknown: '未知', choose: '选择', search: '搜索', clear: '清除', file: '文件', more: '更多', queued: '排队中', running: '运行中',
    token: '此服务器需要令牌', tokenHint: '令牌只保存在本窗口中。', send: '提交', showMore: '显示全部 {n} 行', dropFile: '选择文件或拖放到此处',
    of: '{done} / {total}', measured: '实测', published: '公布', derived: '推算', estimate: '估计', assumed: '假设',
  },
} satisfies Dictionary;
