// A chart as PNG: drawn anew on a canvas, since the page's policy lets no picture be loaded from a blob.
import type { EChartsCoreOption } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { echarts } from './echarts';

echarts.use([CanvasRenderer]);

export async function pngOf(option: EChartsCoreOption, width: number, height: number, back: string, foot: string): Promise<Blob> {
  const place = document.createElement('div');
  place.style.cssText = `position:fixed;left:-10000px;width:${width}px;height:${height}px`;
  document.body.append(place);
  const chart = echarts.init(place, null, { renderer: 'canvas', width, height, devicePixelRatio: 2 });
  try {
    chart.setOption({ ...option, animation: false });
    const drawn = chart.renderToCanvas({ pixelRatio: 2, backgroundColor: back });
    return await withFoot(drawn, foot, back);
  } finally {
    chart.dispose();
    place.remove();
  }
}

/** A canvas with a line of text below it, as PNG. */
export async function withFoot(drawn: HTMLCanvasElement, foot: string, back: string): Promise<Blob> {
  const whole = document.createElement('canvas');
  [whole.width, whole.height] = [drawn.width, drawn.height + 44];
  const pen = whole.getContext('2d');
  if (!pen) throw new Error('no canvas');
  pen.fillStyle = back;
  pen.fillRect(0, 0, whole.width, whole.height);
  pen.drawImage(drawn, 0, 0);
  pen.fillStyle = '#808890';
  pen.font = '20px system-ui, sans-serif';
  pen.fillText(foot, 16, drawn.height + 28, whole.width - 32);
  return new Promise((done, fail) => whole.toBlob((blob) => (blob ? done(blob) : fail(new Error('no picture'))), 'image/png'));
}
