import { useState } from 'preact/hooks';
import type { CapturedBytes } from '../../explain/report/format/packet-bytes.js';
import { counted, grouped } from '../words/numbers.js';

const LINE_BYTES = 16;
/** So many are shown at first. */
const SHORT_BYTES = 256;

/** Bytes as hexadecimal numbers and as text, 16 a line. */
export function HexDump(props: {
  readonly name: string;
  readonly frame: CapturedBytes;
  /** The field that each byte is in. */
  readonly keys: ReadonlyMap<number, string>;
  /** The bytes from the first to before the second number are marked. */
  readonly range: readonly [from: number, to: number];
  readonly changed: ReadonlySet<number> | undefined;
  readonly onMark: (key: string | undefined) => void;
}) {
  const { name, frame, keys, range, changed, onMark } = props;
  const { bytes, length } = frame;
  const [isLong, setLong] = useState(false);
  const shown = isLong ? bytes.length : Math.min(bytes.length, SHORT_BYTES);
  const over = ({ target }: Event) => {
    const key = target instanceof Element ? target.closest('[data-key]')?.getAttribute('data-key') : undefined;
    onMark(key ?? undefined);
  };
  const classOf = (at: number): string =>
    `${at >= range[0] && at < range[1] ? 'marked' : ''}${changed?.has(at) ? ' changed' : ''}`;
  return (
    <figure class="hex">
      <figcaption>
        {name} <span>{counted(length, 'byte')}</span>
      </figcaption>
      <pre onPointerOver={over} onPointerLeave={() => onMark(undefined)}>
        {Array.from({ length: Math.ceil(shown / LINE_BYTES) }, (_, line) => {
          const [from, to] = [line * LINE_BYTES, Math.min(shown, (line + 1) * LINE_BYTES)];
          const runs = runsOf(from, to, keys, classOf);
          const spans = (text: (start: number, end: number) => string) =>
            runs.map(([start, end]) => (
              <span key={start} class={classOf(start)} data-key={keys.get(start)}>
                {text(start, end)}
              </span>
            ));
          return (
            <div key={from}>
              <span class="at">{from.toString(16).padStart(4, '0')}</span>
              {'  '}
              {spans((start, end) => hexText(bytes, start, end, from))}
              {' '.repeat(1 + (LINE_BYTES - (to - from)) * 3)}
              {spans((start, end) => plainText(bytes, start, end))}
            </div>
          );
        })}
      </pre>
      {shown < bytes.length && (
        <button type="button" class="link" onClick={() => setLong(true)}>
          Show all {grouped(bytes.length)} bytes
        </button>
      )}
      {bytes.length < length && <p>{counted(length - bytes.length, 'more byte')}, not in this report</p>}
    </figure>
  );
}

/** The bytes from FROM to before TO in runs that look the same. */
function runsOf(
  from: number,
  to: number,
  keys: ReadonlyMap<number, string>,
  classOf: (at: number) => string,
): [number, number][] {
  const runs: [number, number][] = [];
  for (let at = from; at < to; at++) {
    const run = runs.at(-1);
    if (run !== undefined && keys.get(run[0]) === keys.get(at) && classOf(run[0]) === classOf(at)) run[1] = at + 1;
    else runs.push([at, at + 1]);
  }
  return runs;
}

/** Of a line that begins with LINE; eight bytes are a group. */
function hexText(bytes: Uint8Array, start: number, end: number, line: number): string {
  let text = '';
  for (let at = start; at < end; at++) {
    text += `${bytes[at].toString(16).padStart(2, '0')}${at - line === LINE_BYTES / 2 - 1 ? '  ' : ' '}`;
  }
  return text;
}

function plainText(bytes: Uint8Array, start: number, end: number): string {
  return Array.from(bytes.subarray(start, end), (byte) =>
    byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·',
  ).join('');
}
