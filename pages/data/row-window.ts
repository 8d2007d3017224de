/**
 * Which rows of a long table are in sight. Browsers limit how high an element can be (Firefox to 17.9 million pixels,
 * Chromium to 33.5 million, of the screen: less on dense ones), so a table of very many rows scrolls an element that is
 * lower than they are.
 */

/** In pixels of CSS; with two of the screen to one, still within what Firefox takes. */
export const MAX_SCROLL_HEIGHT = 8_000_000;
/** How far wheels, keys and fingers move at once, in heights of the view; the scroll bar is what moves farther. */
const LARGEST_STEP = 1.5;
/** How far apart the positions of the rows and of the scroll bar may be, in pixels, before they are brought together. */
const LARGEST_DRIFT = 100_000;

/** The size of a table: its rows, the height of each, and of what shows them, in pixels. */
export interface TableSize {
  readonly rows: number;
  readonly rowHeight: number;
  readonly viewHeight: number;
}

export interface RowWindow {
  /** The rows from `first` to before `end` are in sight, or a part of them. */
  readonly first: number;
  readonly end: number;
  /** Where the first one begins, in pixels from the top of the view: 0 or less. */
  readonly offset: number;
}

/** How high the element is that is scrolled. */
export function scrollHeight({ rows, rowHeight }: TableSize): number {
  return Math.min(rows * rowHeight, MAX_SCROLL_HEIGHT);
}

/** The position of the rows, where it is not that of the scroll bar. */
export class ScrollPosition {
  #size: TableSize = { rows: 0, rowHeight: 1, viewHeight: 0 };
  /** How many pixels of rows are above the view. */
  #top = 0;
  #scrollTop = 0;

  get size(): TableSize {
    return this.#size;
  }

  /** How many pixels of rows are above the view. */
  get top(): number {
    return this.#top;
  }

  /** The row at the top stays where the size has changed. Returns the scrollTop for it. */
  resize(size: TableSize): number {
    const row = this.#top / this.#size.rowHeight;
    this.#size = size;
    return this.moveTo(row * size.rowHeight);
  }

  /** Somebody has scrolled to SCROLL_TOP. Returns the scrollTop that the element has to have. */
  scrolled(scrollTop: number): number {
    const step = scrollTop - this.#scrollTop;
    if (step === 0) return scrollTop;
    this.#scrollTop = scrollTop;
    const ratio = this.#ratio;
    if (ratio === 1) this.#top = this.#clamped(scrollTop);
    else if (Math.abs(step) > LARGEST_STEP * this.#size.viewHeight) this.#top = this.#clamped(scrollTop * ratio);
    else {
      this.#top = this.#clamped(this.#top + step);
      const isAtEnd = scrollTop <= 0 || scrollTop >= this.#maxScrollTop;
      if (isAtEnd || Math.abs(this.#top / ratio - scrollTop) > LARGEST_DRIFT) return this.settled();
    }
    return scrollTop;
  }

  /** Brings the scroll bar to where the rows are. Returns its scrollTop. */
  settled(): number {
    this.#scrollTop = Math.round(this.#top / this.#ratio);
    // Only what cannot be scrolled any more is at the end of the scroll bar.
    if (this.#top > 0) this.#scrollTop = Math.max(1, this.#scrollTop);
    if (this.#top < this.#maxTop) this.#scrollTop = Math.max(0, Math.min(this.#maxScrollTop - 1, this.#scrollTop));
    return this.#scrollTop;
  }

  /** Moves the rows so that TOP pixels are above. Returns the scrollTop for it. */
  moveTo(top: number): number {
    this.#top = this.#clamped(top);
    return this.settled();
  }

  /** Moves as little as it takes until ROW is in sight as a whole. Returns the scrollTop for it. */
  reveal(row: number): number {
    const { rowHeight, viewHeight } = this.#size;
    const top = row * rowHeight;
    if (top < this.#top) return this.moveTo(top);
    if (top + rowHeight > this.#top + viewHeight) return this.moveTo(top + rowHeight - viewHeight);
    return this.#scrollTop;
  }

  get window(): RowWindow {
    const { rows, rowHeight, viewHeight } = this.#size;
    const first = Math.min(rows, Math.floor(this.#top / rowHeight));
    const end = Math.min(rows, Math.ceil((this.#top + viewHeight) / rowHeight));
    return { first, end, offset: first * rowHeight - this.#top };
  }

  /** How many pixels of rows one of the scroll bar stands for. */
  get #ratio(): number {
    const { rows, rowHeight } = this.#size;
    return rows * rowHeight <= MAX_SCROLL_HEIGHT ? 1 : this.#maxTop / this.#maxScrollTop;
  }

  get #maxTop(): number {
    return Math.max(0, this.#size.rows * this.#size.rowHeight - this.#size.viewHeight);
  }

  get #maxScrollTop(): number {
    return Math.max(0, scrollHeight(this.#size) - this.#size.viewHeight);
  }

  #clamped(top: number): number {
    return Math.max(0, Math.min(this.#maxTop, top));
  }
}

/** Where KEY leads from row CURRENT of a table that shows PAGE rows at once; undefined: it is not about rows. */
export function rowOfKey(key: string, current: number, rows: number, page: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -rows,
    End: rows,
  };
  if (rows === 0 || !Object.hasOwn(steps, key)) return undefined;
  if (current < 0) return key === 'End' ? rows - 1 : 0;
  return Math.max(0, Math.min(rows - 1, current + steps[key]));
}
