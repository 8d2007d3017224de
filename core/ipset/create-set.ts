/** From what `ipset create` said to the options of a set, as the kernel reads them. */
import { prefixMask } from '../../codecs/address.js';
import type { CreateOptions } from '../sets/create-options.js';
import { NONE } from '../sets/element.js';
import { SetFault } from '../sets/set-fault.js';
import type { CommandData } from './command-data.js';
import { Opt } from './options.js';

/** The options of the set that DATA describes. Throws a SetFault. */
export function createOptions(data: CommandData): CreateOptions {
  const type = data.type!;
  if (type.families.length > 0 && data.family === undefined) throw new SetFault('invalid-family');
  return {
    ...data.options,
    timeout: data.has(Opt.TIMEOUT) ? data.options.timeout : undefined,
    family: data.family ?? 'ipv4',
    range: type.options.includes('range') ? rangeOf(data) : undefined,
  };
}

/** Of bitmaps: the range that was given, either end first, or all of a prefix. */
function rangeOf(data: CommandData): CreateOptions['range'] {
  const { element } = data;
  if (data.type!.dimensions[0] === 'port') return sorted(element.port, element.portTo);
  if (element.ipTo !== NONE) return sorted(element.ip, element.ipTo);
  if (element.cidr >= 32) throw new SetFault('invalid-cidr');
  const mask = prefixMask('ipv4', element.cidr).tail;
  return { first: (element.ip & mask) >>> 0, last: (element.ip | ~mask) >>> 0 };
}

function sorted(a: number, b: number): { first: number; last: number } {
  return { first: Math.min(a, b), last: Math.max(a, b) };
}
