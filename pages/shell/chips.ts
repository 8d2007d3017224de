import type { Result } from '../data/result.js';
import type { Filter } from '../selection.js';
import { endsOf, endText, protocolName } from '../words/ends.js';
import { secondsSince } from '../words/times.js';

/** A part of a filter, in words. */
export interface Chip {
  readonly label: string;
  readonly value: string;
  /** What has to go with it. */
  readonly parts: readonly (keyof Filter)[];
}

export async function chipsOf(filter: Filter, result: Result): Promise<Chip[]> {
  const { text, time, verdict, hook, table, chain, rule, isMatched, connection, inDev, outDev, end } = filter;
  const isOfRules = rule !== undefined || chain !== undefined;
  const rules = isOfRules ? await result.rules() : undefined;
  const chains = rules?.chains ?? [];
  const placed = rule === undefined ? undefined : rules?.rules[rule];
  const chips: (Chip | undefined)[] = [
    text === undefined ? undefined : { label: 'text', value: text, parts: ['text'] },
    verdict && { label: 'verdict', value: verdict, parts: ['verdict'] },
    time && { label: 'time', value: `${secondsSince(time[0])} s – ${secondsSince(time[1])} s`, parts: ['time'] },
    inDev === undefined ? undefined : { label: 'arrived by', value: devWords(result, inDev), parts: ['inDev'] },
    outDev === undefined ? undefined : { label: 'left by', value: devWords(result, outDev), parts: ['outDev'] },
    end && { label: 'ended in', value: end, parts: ['end'] },
    hook && { label: 'hook', value: hook, parts: ['hook'] },
    table && { label: 'table', value: table, parts: ['table'] },
    chain === undefined ? undefined : { label: 'chain', value: chainWords(chains[chain]), parts: ['chain'] },
    rule === undefined
      ? undefined
      : {
          label: isMatched ? 'matched' : 'compared with',
          value: placed ? `${chainWords(chains[placed.chain])} ${placed.number}: ${placed.text}` : `rule ${rule}`,
          parts: ['rule', 'isMatched'],
        },
    connection === undefined
      ? undefined
      : { label: 'connection', value: await connectionWords(result, connection), parts: ['connection'] },
  ];
  return chips.filter((chip) => chip !== undefined);
}

function devWords({ index }: Result, dev: number): string {
  return index.host.interfaces[dev]?.name ?? 'the host itself';
}

function chainWords(chain: { readonly table: string; readonly name: string } | undefined): string {
  return chain ? `${chain.table} ${chain.name}` : 'unknown';
}

/** `TCP 192.0.2.1:40000 → web:80`. */
async function connectionWords(result: Result, connection: number): Promise<string> {
  const [connections, tuples] = await Promise.all([result.connections(), result.tuples()]);
  const tuple = connections.tuple[connection];
  if (tuple === undefined || tuple < 0) return `${connection}`;
  const { protocol, source, destination } = endsOf(tuples, tuple, result.index.names);
  return `${protocolName(protocol)} ${endText(source)} → ${endText(destination)}`;
}
