// Two painters of the same scene: a canvas for the screen, and an SVG text to take along.
import { escapeXml } from '../../lib/export';
import type { Box, Painter, View } from './scene';

const FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif';

/** Paints on a canvas whose pixels are `ratio` to one of the screen. */
export function onCanvas(pen: CanvasRenderingContext2D, view: View, ratio: number, back: string): Painter {
  const scale = view.scale * ratio;
  const [left, top] = [(view.width * ratio) / 2 - view.x * scale, (view.height * ratio) / 2 - view.y * scale];
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = back;
  pen.fillRect(0, 0, view.width * ratio, view.height * ratio);
  pen.textBaseline = 'middle';
  return {
    rect(box, fill, stroke, width = 1) {
      const [x, y, w, h] = [left + box.x * scale, top + box.y * scale, Math.max(box.w * scale, 1), Math.max(box.h * scale, 1)];
      if (fill) {
        pen.fillStyle = fill;
        pen.fillRect(x, y, w, h);
      }
      if (stroke) {
        pen.strokeStyle = stroke;
        pen.lineWidth = width * ratio;
        pen.strokeRect(x, y, w, h);
      }
    },
    path(points, stroke, width) {
      pen.strokeStyle = stroke;
      pen.lineWidth = width * ratio;
      pen.beginPath();
      for (let at = 0; at < points.length; at += 2) {
        const [x, y] = [left + (points[at] as number) * scale, top + (points[at + 1] as number) * scale];
        if (at === 0) pen.moveTo(x, y);
        else pen.lineTo(x, y);
      }
      pen.stroke();
    },
    text(text, x, y, size, fill, align = 'left') {
      if (size < 6) return;
      pen.fillStyle = fill;
      pen.font = `${Math.round(size * ratio)}px ${FONT}`;
      pen.textAlign = align;
      pen.fillText(text, left + x * scale, top + y * scale);
    },
  };
}

const short = (value: number) => String(Math.round(value * 100) / 100);

/** Paints into an SVG text of the window; `done` closes it. */
export function onSvg(view: View, back: string, foot: readonly string[]): { pen: Painter; done: () => string } {
  const parts: string[] = [];
  const [left, top] = [view.width / 2 - view.x * view.scale, view.height / 2 - view.y * view.scale];
  const spot = (x: number, y: number) => `${short(left + x * view.scale)},${short(top + y * view.scale)}`;
  const pen: Painter = {
    rect(box: Box, fill, stroke, width = 1) {
      const [x, y] = spot(box.x, box.y).split(',');
      parts.push(
        `<rect x="${x}" y="${y}" width="${short(Math.max(box.w * view.scale, 0.5))}" height="${short(Math.max(box.h * view.scale, 0.5))}" fill="${fill ?? 'none'}"${stroke ? ` stroke="${stroke}" stroke-width="${width}"` : ''}/>`,
      );
    },
    path(points, stroke, width) {
      const spots = Array.from({ length: points.length / 2 }, (_, at) => spot(points[2 * at] as number, points[2 * at + 1] as number));
      parts.push(`<polyline points="${spots.join(' ')}" fill="none" stroke="${stroke}" stroke-width="${short(width)}"/>`);
    },
    text(text, x, y, size, fill, align = 'left') {
      if (size < 6) return;
      const [px, py] = spot(x, y).split(',');
      parts.push(`<text x="${px}" y="${py}" font-size="${short(size)}" fill="${fill}" text-anchor="${align === 'center' ? 'middle' : 'start'}" dominant-baseline="central">${escapeXml(text)}</text>`);
    },
  };
  const done = () => {
    const lines = foot.map((line, at) => `<text x="8" y="${view.height + 16 + at * 14}" font-size="11" fill="#70787f">${escapeXml(line)}</text>`).join('');
    const height = view.height + 12 + foot.length * 14;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${view.width}" height="${height}" viewBox="0 0 ${view.width} ${height}" font-family="${escapeXml(FONT)}"><rect width="100%" height="100%" fill="${back}"/><svg width="${view.width}" height="${view.height}">${parts.join('')}</svg>${lines}</svg>`;
  };
  return { pen, done };
}
