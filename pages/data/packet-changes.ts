/** What the host changed in a packet: the fields and bytes that are others in what left. */
import type { CapturedBytes } from '../../explain/report/format/packet-bytes.js';
import { decodeFrame } from './decode/decode.js';
import type { DecodedField, Layer } from './decode/layer.js';

/** A frame, decoded. */
export interface DecodedFrame extends CapturedBytes {
  readonly layers: readonly Layer[];
}

/** A field of a frame before and after; one of both may be missing. */
export interface FieldPair {
  /** The same for a field however often it is decoded: layer and field by their positions. */
  readonly key: string;
  readonly name: string;
  readonly before?: DecodedField;
  readonly after?: DecodedField;
  readonly isChanged: boolean;
}

export interface LayerPair {
  readonly key: string;
  readonly name: string;
  readonly fields: readonly FieldPair[];
  readonly isChanged: boolean;
}

export function decoded(frame: CapturedBytes): DecodedFrame {
  return { ...frame, layers: decodeFrame(frame.linktype, frame.bytes) };
}

/**
 * The layers of BEFORE beside those of AFTER, if something left.
 */
export function comparedLayers(before: DecodedFrame, after: DecodedFrame | undefined): LayerPair[] {
  const pairs: LayerPair[] = [];
  const rest = [...(after?.layers ?? [])];
  for (const layer of before.layers) {
    const at = rest.findIndex(({ name }) => name === layer.name);
    // What stands before it in what left is new.
    for (const added of at < 0 ? [] : rest.splice(0, at)) pairs.push(pairOf(pairs.length, undefined, added));
    pairs.push(pairOf(pairs.length, layer, at < 0 ? undefined : rest.shift(), after !== undefined));
  }
  for (const added of rest) pairs.push(pairOf(pairs.length, undefined, added));
  return pairs;
}

function pairOf(number: number, before?: Layer, after?: Layer, isCompared = true): LayerPair {
  const { name } = (before ?? after)!;
  const length = Math.max(before?.fields.length ?? 0, after?.fields.length ?? 0);
  const fields = Array.from({ length }, (_, i): FieldPair => {
    const [old, now] = [before?.fields[i], after?.fields[i]];
    return {
      key: `${number}.${i}`,
      name: (old ?? now)!.name,
      ...(old && { before: old }),
      ...(now && { after: now }),
      isChanged: isCompared && old !== undefined && old.value !== now?.value,
    };
  });
  return { key: `${number}`, name, fields, isChanged: fields.some((field) => field.isChanged) };
}

/** Which bytes are not the same in BEFORE and AFTER, of the layers that both have. */
export function changedBytes(before: DecodedFrame, after: DecodedFrame): { before: Set<number>; after: Set<number> } {
  const changed = { before: new Set<number>(), after: new Set<number>() };
  for (const layer of before.layers) {
    const other = after.layers.find(({ name }) => name === layer.name);
    if (other === undefined) continue;
    for (let i = 0; i < Math.max(layer.length, other.length); i++) {
      if (before.bytes[layer.at + i] === after.bytes[other.at + i]) continue;
      if (i < layer.length) changed.before.add(layer.at + i);
      if (i < other.length) changed.after.add(other.at + i);
    }
  }
  return changed;
}
