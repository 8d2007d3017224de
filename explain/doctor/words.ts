/** Packets and rules in the words of findings. */
import { protocolName } from '../../codecs/protocol-names.js';
import { printSentence } from '../../codecs/sentence/format.js';
import { readSentencePacket, sentenceOf } from '../../codecs/sentence/read-packet.js';
import type { TableName } from '../../core/hooks.js';
import type { Rule } from '../../core/rules/model.js';
import { commandHead, commandText } from '../command.js';
import { wordsOf } from '../fate/rule-words.js';
import type { Ends, PacketRecord } from './packet-record.js';

/** `203.0.113.7:51515` */
export function endText(address: string, port: number | undefined): string {
  return port === undefined || port < 0 ? address : `${address}:${port}`;
}

/** `tcp 203.0.113.7:51515 → 192.0.2.10:8081` */
export function endsText({ protocol, source, sport, destination, dport }: Ends): string {
  const isQuery = protocol === 1;
  const [from, to] = isQuery ? [source, destination] : [endText(source, sport), endText(destination, dport)];
  return `${protocolName(protocol)} ${from} → ${to}`;
}

/** `tcp 203.0.113.7:51515 → 192.0.2.10:8081 SYN`, as it arrived. */
export function packetText({ bytes, arrived, inDev, isMade }: PacketRecord): string {
  const packet = readSentencePacket(bytes);
  if (packet !== undefined) return printSentence(sentenceOf({ ...packet, isLocal: inDev === undefined && !isMade }));
  if (arrived === undefined) return 'a malformed packet';
  const { protocol, source, sport, destination, dport } = arrived;
  return endsText({ protocol, source, sport: sport ?? -1, destination, dport: dport ?? -1 });
}

/** The command that inserts RULE, as it is, in its chain before the rule NUMBER. */
export function insertCommand(table: TableName, rule: Rule, number: number): string {
  return commandText([...commandHead(table, '-I', rule.chain, number), ...wordsOf(rule)]);
}

/** CHANGE, of which nobody knows whether it helps. */
export function untried(change: string): string {
  return `${change} (not tried: there is too much to replay)`;
}

/** The command that masquerades the packets that CONDITIONS match. */
export function masqueradeCommand(conditions: readonly string[]): string {
  return commandText([...commandHead('nat', '-A', 'POSTROUTING'), ...conditions, '-j', 'MASQUERADE']);
}
