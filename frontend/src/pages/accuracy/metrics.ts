// Names and units of what was measured.
import type { Language } from '../../lib/i18n.svelte';

const NAMES: Record<string, [string, string]> = {
  cache_prefill_speedup: ['prefill speed-up by cache', '缓存带来的预填充加速比'], decode_token_per_s_per_chip: ['decode tokens per chip', '每芯片解码词元'], ep_combine_byte_per_s: ['expert combine, rate', '专家合并带宽'], ep_combine_s: ['expert combine, time', '专家合并时间'],
  ep_dispatch_byte_per_s: ['expert dispatch, rate', '专家分发带宽'], ep_dispatch_s: ['expert dispatch, time', '专家分发时间'], eplb_speedup: ['speed-up by balancing experts', '专家均衡加速比'], gemm_byte_per_s: ['matrix product, bytes', '矩阵乘带宽'], gemm_flop_per_s: ['matrix product, FLOP', '矩阵乘算力'],
  gemm_utilization: ['matrix product, utilization', '矩阵乘利用率'], layer_s: ['time of a layer', '单层时间'], layer_stream_s: ['time of a layer’s stream', '单层流时间'], link_byte_per_s: ['rate of a link', '链路带宽'], link_latency_s: ['latency of a link', '链路时延'], mha_flop_per_s: ['attention (MHA), FLOP', '注意力（MHA）算力'],
  microbatch_layer_ratio: ['layers with micro-batches, ratio', '微批单层比值'], microbatch_speedup: ['speed-up by micro-batches', '微批加速比'], mla_byte_per_s: ['attention (MLA), bytes', '注意力（MLA）带宽'], mla_flop_per_s: ['attention (MLA), FLOP', '注意力（MLA）算力'], mla_utilization: ['attention (MLA), utilization', '注意力（MLA）利用率'],
  mtp_speedup: ['speed-up by multi-token prediction', '多词元预测加速比'], output_token_per_s_per_chip: ['output tokens per chip', '每芯片输出词元'], output_token_per_s_per_user: ['output tokens per user', '每用户输出词元'], output_token_per_s_total: ['output tokens in all', '总输出词元'], prefill_token_per_s_per_chip: ['prefill tokens per chip', '每芯片预填充词元'],
  total_token_per_s_per_chip: ['all tokens per chip', '每芯片全部词元'], tpot_s: ['time per output token', '每输出词元时间'], ttft_p99_s: ['time to first token, p99', '首词元时间 p99'], ttft_reduction_s: ['time to first token, saved', '首词元时间减少量'],
  chip_hours: ['chip-hours', '芯片小时'], mfu: ['MFU', 'MFU'], model_flop_per_s_per_chip: ['model FLOP per chip', '每芯片模型算力'], step_s: ['time of a step', '单步时间'], time_to_train_s: ['time to train', '训练时间'], tokens_per_s_per_chip: ['tokens per chip', '每芯片词元'], tokens_per_s_total: ['tokens in all', '总词元'],
  busbw_byte_per_s: ['bus bandwidth', '总线带宽'], time_s: ['time', '时间'], count: ['interruptions', '中断次数'], effective_training_time: ['effective training time', '有效训练时间'], mttf_h: ['mean time to failure', '平均无故障时间'], rate_per_chip_day: ['failures per chip and day', '每芯片每日故障'], rate_per_node_day: ['failures per node and day', '每节点每日故障'],
};

/** What a metric is called. */
export function metricName(metric: string, to: Language): string {
  return Object.hasOwn(NAMES, metric) ? (NAMES[metric] as [string, string])[to === 'zh' ? 1 : 0] : metric.replaceAll('_', ' ');
}

/** Its unit; "1" for ratios, shares and counts. */
export function unitOf(metric: string): string {
  if (metric.includes('byte_per_s')) return 'B/s';
  if (metric.includes('flop_per_s')) return 'FLOP/s';
  if (/tokens?_per_s/.test(metric)) return 'tok/s';
  if (/_per_(chip|node)_day$/.test(metric)) return '1/d';
  if (/_h$|_hours$/.test(metric)) return 'h';
  return metric.endsWith('_s') ? 's' : '1';
}

/** Units of rows in a fixed order, each once. */
export function unitsOf(metrics: readonly string[]): string[] {
  const found = new Set(metrics.map(unitOf));
  return ['tok/s', 's', 'h', 'FLOP/s', 'B/s', '1/d', '1'].filter((unit) => found.has(unit));
}

/** Ends that hold all values with room for their signs. */
export function ends(values: readonly number[]): [number, number] {
  const kept = values.filter((one) => one > 0 && Number.isFinite(one));
  return kept.length ? [Math.min(...kept) / 1.25, Math.max(...kept) * 1.25] : [0.5, 2];
}
