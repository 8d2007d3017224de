/** Which bytes of packets `-m u32` and `-m bpf` read: they stay, so that these rules decide as before. */
import type { Packet } from '../../core/packet.js';
import type { RuleContext } from '../../core/rules/context.js';
import type { NativeTest } from '../../core/rules/lower.js';
import type { Ruleset } from '../../core/rules/model.js';

const READERS: readonly string[] = ['u32', 'bpf'];

/** Marks the bytes of the packet FROM … TO of BYTES that are read with something other than 0. */
export type KeptBytes = (bytes: Uint8Array, from: number, to: number) => Uint8Array;

/** Undefined: no rule of RULESETS reads any. */
export function keptBytes(rulesets: readonly Ruleset[]): KeptBytes | undefined {
  const tests = new Map<string, NonNullable<NativeTest['check']>>();
  for (const { extension, params } of matchesOf(rulesets)) {
    const { native } = extension.lower(params);
    if (native?.check !== undefined) tests.set(`${extension.name}${extension.save(params)}`, native.check);
  }
  if (tests.size === 0) return undefined;
  return (bytes, from, to) => {
    const marks = new Uint8Array(to - from);
    for (const check of tests.values()) {
      for (const mark of [0, 1]) check(watched(bytes, from, to, marks, mark), NO_CONTEXT);
    }
    return marks;
  };
}

function matchesOf(rulesets: readonly Ruleset[]) {
  const rules = rulesets.flatMap(({ tables }) => tables.flatMap((table) => table.rules));
  return rules
    .filter(({ unsupported }) => unsupported === undefined)
    .flatMap(({ matches }) => matches.filter(({ extension }) => READERS.includes(extension.name)));
}

/** What they ask a rule's context for is nothing that matters here. */
const NO_CONTEXT = { uncertain() {} } as unknown as RuleContext;

/** The packet FROM … TO of BYTES, as far as these tests look at packets. What they read is noted in MARKS. */
function watched(bytes: Uint8Array, from: number, to: number, marks: Uint8Array, mark: number): Packet {
  const watching = new Proxy(bytes, {
    get(target, key) {
      const at = typeof key === 'string' ? Number(key) : Number.NaN;
      if (Number.isNaN(at)) return Reflect.get(target, key, target) as unknown;
      if (at >= from && at < to) marks[at - from] = 1;
      return target[at];
    },
  });
  const total = (bytes[from + 2] << 8) | bytes[from + 3];
  const length = total < to - from ? to - from : total;
  const packet = { bytes: watching, at: from, available: to - from, length, mark, type: 0 };
  return { ...packet, hasUnfinishedChecksum: false, fragmentMaxSize: 0 } as unknown as Packet;
}
