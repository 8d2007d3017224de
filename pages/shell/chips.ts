import type { Result } from '../data/result.js';
import type { Filter } from '../selection.js';
import { ruleText } from '../words/deciders.js';
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
  const rules = (rule ?? chain) === undefined ? undefined : await result.rules();
  const chainWords = (at: number): string =>
    rules?.chains[at] ? `${rules.chains[at].table} ${rules.chains[at].name}` : '';
  const ruleWords = (at: number): string => (rules?.rules[at] ? `${ruleText(at, rules)}: ${rules.rules[at].text}` : '');
  const deviceWords = (at: number): string => result.index.host.interfaces[at]?.name ?? 'the host itself';
  const words = <T>(value: T | undefined, inWords: (value: T) => string) => value !== undefined && inWords(value);
  const chips: readonly (readonly [label: string, value: string | false | undefined, ...parts: (keyof Filter)[]])[] = [
    ['text', text, 'text'],
    ['verdict', verdict, 'verdict'],
    ['time', words(time, ([from, to]) => `${secondsSince(from)} s – ${secondsSince(to)} s`), 'time'],
    ['arrived by', words(inDev, deviceWords), 'inDev'],
    ['left by', words(outDev, deviceWords), 'outDev'],
    ['ended in', end, 'end'],
    ['hook', hook, 'hook'],
    ['table', table, 'table'],
    ['chain', words(chain, chainWords), 'chain'],
    [isMatched ? 'matched' : 'compared with', words(rule, ruleWords), 'rule', 'isMatched'],
    ['connection', connection !== undefined && (await connectionWords(result, connection)), 'connection'],
  ];
  return chips.flatMap(([label, value, ...parts]) =>
    value === undefined || value === false ? [] : [{ label, value: value || 'unknown', parts }],
  );
}

/** `TCP 192.0.2.1:40000 → web:80`. */
async function connectionWords(result: Result, connection: number): Promise<string> {
  const [connections, tuples] = await Promise.all([result.connections(), result.tuples()]);
  const tuple = connections.tuple[connection];
  if (tuple === undefined || tuple < 0) return `${connection}`;
  const { protocol, source, destination } = endsOf(tuples, tuple, result.index.names);
  return `${protocolName(protocol)} ${endText(source)} → ${endText(destination)}`;
}
