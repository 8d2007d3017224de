/** A canvas with a scale in each direction, a grid and labels. What is in the chart, others paint. */

export interface Tick {
  readonly at: number;
  /** Lines are separated by `\n`. */
  readonly label: string;
}

/** Sizes are in pixels of the page, [from, to] in the units of each scale. */
export interface ChartFrame {
  readonly width: number;
  readonly height: number;
  /** Around the chart. */
  readonly margin: { readonly top: number; readonly right: number; readonly bottom: number; readonly left: number };
  readonly x: readonly [from: number, to: number];
  readonly y: readonly [from: number, to: number];
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  readonly colors: { readonly line: string; readonly muted: string };
}

const FONT_PIXELS = 11;
const LINE_PIXELS = 15;
const TICK_PIXELS = 4;
const GAP_PIXELS = 9;

/** What `paint` is given. All numbers are in pixels of the canvas. */
export class ChartCanvas {
  readonly ctx: CanvasRenderingContext2D;
  readonly #canvas = document.createElement('canvas');
  #frame!: ChartFrame;
  #scale = 1;

  constructor(container: HTMLElement) {
    this.ctx = this.#canvas.getContext('2d')!;
    this.#canvas.style.display = 'block';
    container.append(this.#canvas);
  }

  /** Where the chart is. */
  get box(): { readonly left: number; readonly top: number; readonly width: number; readonly height: number } {
    const { width, height, margin } = this.#frame;
    const [left, top] = [margin.left * this.#scale, margin.top * this.#scale];
    return {
      left,
      top,
      width: Math.max(1, width * this.#scale - left - margin.right * this.#scale),
      height: Math.max(1, height * this.#scale - top - margin.bottom * this.#scale),
    };
  }

  x(value: number): number {
    const { left, width } = this.box;
    const [from, to] = this.#frame.x;
    return left + ((value - from) / (to - from)) * width;
  }

  y(value: number): number {
    const { top, height } = this.box;
    const [from, to] = this.#frame.y;
    return top + height - ((value - from) / (to - from)) * height;
  }

  /** Draws the grid and the labels of FRAME, and what PAINT draws, which is cut off at the edge of the chart. */
  draw(frame: ChartFrame, paint: () => void): void {
    this.#frame = frame;
    this.#scale = devicePixelRatio;
    const { width, height } = frame;
    Object.assign(this.#canvas, { width: Math.round(width * this.#scale), height: Math.round(height * this.#scale) });
    Object.assign(this.#canvas.style, { width: `${width}px`, height: `${height}px` });
    this.#drawGrid();
    const { ctx, box } = this;
    ctx.save();
    ctx.beginPath();
    // Lines on the edge are seen as a whole.
    ctx.rect(box.left, box.top - 2 * this.#scale, box.width, box.height + 2 * this.#scale);
    ctx.clip();
    paint();
    ctx.restore();
  }

  remove(): void {
    this.#canvas.remove();
  }

  #drawGrid(): void {
    const { xTicks, yTicks, colors } = this.#frame;
    const { ctx, box } = this;
    const scale = this.#scale;
    const [bottom, right] = [box.top + box.height, box.left + box.width];
    ctx.strokeStyle = colors.line;
    ctx.fillStyle = colors.muted;
    ctx.lineWidth = scale;
    ctx.font = `${FONT_PIXELS * scale}px system-ui, sans-serif`;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'top';
    ctx.beginPath();
    for (const { at, label } of xTicks) {
      const x = Math.round(this.x(at));
      ctx.moveTo(x, box.top);
      ctx.lineTo(x, bottom + TICK_PIXELS * scale);
      for (const [line, text] of label.split('\n').entries()) {
        ctx.fillText(text, x, bottom + (GAP_PIXELS + line * LINE_PIXELS) * scale);
      }
    }
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    for (const { at, label } of yTicks) {
      const y = Math.round(this.y(at));
      ctx.moveTo(box.left - TICK_PIXELS * scale, y);
      ctx.lineTo(right, y);
      ctx.fillText(label, box.left - GAP_PIXELS * scale, y);
    }
    ctx.stroke();
  }
}

/** Places of ticks from 0 to MOST, whole and round numbers, in a chart of HEIGHT pixels. */
export function roundTicks(most: number, height: number, leastPixels = 30): number[] {
  let step = 1;
  for (let i = 0; (step / most) * height < leastPixels; i++) step = [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
}
