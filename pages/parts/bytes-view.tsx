/** The bytes of a packet as it came and as it left, with what they mean; what was changed is marked. */
import { useMemo, useState } from 'preact/hooks';
import type { CapturedBytes } from '../../explain/report/format/packet-bytes.js';
import {
  changedBytes,
  comparedLayers,
  type DecodedFrame,
  decoded,
  type FieldPair,
  type LayerPair,
} from '../data/packet-changes.js';
import { HexDump } from './hex-dump.js';
import './bytes-view.css';

/** A frame, and what it is called. */
export interface NamedFrame {
  readonly name: string;
  readonly frame: CapturedBytes;
}

export function BytesView({ before, after }: { readonly before: NamedFrame; readonly after?: NamedFrame | undefined }) {
  const [marked, setMarked] = useState<string>();
  const old = useMemo(() => decoded(before.frame), [before.frame]);
  const now = useMemo(() => after && decoded(after.frame), [after?.frame]);
  const layers = useMemo(() => comparedLayers(old, now), [old, now]);
  const changed = useMemo(() => now && changedBytes(old, now), [old, now]);
  const dump = (frame: DecodedFrame, name: string, side: 'before' | 'after') => (
    <HexDump
      name={name}
      frame={frame}
      keys={keysOf(layers, side)}
      range={rangeOf(layers, side, marked)}
      changed={changed?.[side]}
      onMark={setMarked}
    />
  );
  return (
    <div class="bytes-view">
      <FieldTable {...{ layers, marked }} names={[before.name, after?.name]} onMark={setMarked} />
      <div class="dumps">
        {dump(old, before.name, 'before')}
        {now && dump(now, after!.name, 'after')}
      </div>
    </div>
  );
}

function FieldTable(props: {
  readonly layers: readonly LayerPair[];
  readonly names: readonly [before: string, after: string | undefined];
  readonly marked: string | undefined;
  readonly onMark: (key: string | undefined) => void;
}) {
  const { layers, names, marked, onMark } = props;
  const keys = layers.flatMap(({ fields }) => fields.map(({ key }) => key));
  const [focus, setFocus] = useState(keys[0]);
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const at = keys.indexOf(focus) + (MOVES[event.key] ?? 0);
    if (MOVES[event.key] === undefined || keys[at] === undefined) return;
    event.preventDefault();
    setFocus(keys[at]);
    event.currentTarget.querySelector<HTMLElement>(`[data-key="${keys[at]}"] button`)?.focus();
  };
  return (
    <table class="fields" aria-label="Fields" onKeyDown={onKeyDown} onPointerLeave={() => onMark(undefined)}>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">{names[0]}</th>
          {names[1] !== undefined && <th scope="col">{names[1]}</th>}
        </tr>
      </thead>
      {layers.map(({ key, name, fields }) => (
        <tbody key={key}>
          <tr class="layer">
            <th scope="rowgroup" colSpan={3}>
              {name}
            </th>
          </tr>
          {fields.map((field) => (
            <FieldRow
              key={field.key}
              {...{ field, onMark }}
              isCompared={names[1] !== undefined}
              isMarked={field.key === marked}
              isReached={field.key === focus}
              onFocus={() => setFocus(field.key)}
            />
          ))}
        </tbody>
      ))}
    </table>
  );
}

const MOVES: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

function FieldRow(props: {
  readonly field: FieldPair;
  readonly isCompared: boolean;
  readonly isMarked: boolean;
  readonly isReached: boolean;
  readonly onMark: (key: string | undefined) => void;
  readonly onFocus: () => void;
}) {
  const { field, isCompared, isMarked, isReached, onMark, onFocus } = props;
  const { key, name, before, after, isChanged } = field;
  const mark = () => onMark(key);
  return (
    <tr class={`${isMarked ? 'marked' : ''}${isChanged ? ' changed' : ''}`} data-key={key} onPointerEnter={mark}>
      <th scope="row">
        <button
          type="button"
          tabIndex={isReached ? 0 : -1}
          onFocus={() => {
            onFocus();
            mark();
          }}
          onBlur={() => onMark(undefined)}
        >
          {name}
        </button>
      </th>
      <td>{before?.value ?? '–'}</td>
      {isCompared && (
        <td>
          {after?.value ?? '–'}
          {isChanged && <span class="unseen"> (changed)</span>}
        </td>
      )}
    </tr>
  );
}

type Side = 'before' | 'after';

/** The key of the field that each byte is in. */
function keysOf(layers: readonly LayerPair[], side: Side): ReadonlyMap<number, string> {
  const keys = new Map<number, string>();
  for (const { fields } of layers) {
    for (const { key, [side]: field } of fields) {
      if (field === undefined) continue;
      for (let at = field.at; at < field.at + field.length; at++) if (!keys.has(at)) keys.set(at, key);
    }
  }
  return keys;
}

/** The bytes of the field MARKED: from, and to before. */
function rangeOf(layers: readonly LayerPair[], side: Side, marked: string | undefined): readonly [number, number] {
  if (marked === undefined) return [0, 0];
  const field = layers.flatMap(({ fields }) => fields).find(({ key }) => key === marked)?.[side];
  return field === undefined ? [0, 0] : [field.at, field.at + field.length];
}
