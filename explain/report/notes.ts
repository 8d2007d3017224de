/** What somebody has to know who relies on a report. */
import type { PacketCounts, Summary } from '../../replay/summary.js';
import type { UncertainCauseSummary } from '../../replay/uncertain-summary.js';
import type { NoteGroup, PacketsIndex } from './format/model.js';
import { counted, grouped } from './format/numbers.js';

/** The groups of notes about PACKETS and what SUMMARY says of them. Groups without texts are left out. */
export function noteGroups(summary: Summary | undefined, packets: PacketsIndex): NoteGroup[] {
  const { warnings = [], assumed = [], uncertain } = summary ?? {};
  const groups: NoteGroup[] = [
    { kind: 'warning', sign: '⚠', title: counted(warnings.length, 'warning'), texts: warnings },
    {
      kind: 'uncertain',
      sign: '?',
      title: `${counted(uncertain?.packets ?? 0, 'packet')} uncertain`,
      texts: uncertain?.causes.map(causeWords) ?? [],
    },
    { kind: 'left-out', sign: '…', title: 'left out', texts: leftOutTexts(packets, summary?.packets) },
    { kind: 'assumed', sign: '≈', title: `${grouped(assumed.length)} assumed`, texts: assumed },
  ];
  return groups.filter(({ texts }) => texts.length > 0);
}

function causeWords({ reason, table, chain, number, rule, packets }: UncertainCauseSummary): string {
  const place = table === undefined ? '' : ` in ${table} ${chain} ${number}, ${rule}`;
  return `${reason}${place}: ${counted(packets, 'packet')}`;
}

function leftOutTexts(
  { read, leftOut, leftOutBy, withoutBytes }: PacketsIndex,
  { filteredOut: filtered = 0, departed = 0 }: Partial<PacketCounts> = {},
): string[] {
  const why =
    leftOutBy === 'show'
      ? '--show did not choose them'
      : 'the file would be too large; the first of each verdict and connection are listed';
  const texts = [
    departed > 0 &&
      `${counted(departed, 'captured frame')} where packets left: compared with what leaves here, and not counted again.`,
    leftOut > 0 &&
      `${grouped(leftOut)} of ${counted(read, 'packet')} are counted but not listed: ${why}. ` +
        'Counters, connections, timeline and rules are whole.',
    withoutBytes > 0 && `The bytes of ${counted(withoutBytes, 'listed packet')} are not in the file.`,
    filtered > 0 && `${counted(filtered, 'packet')} of the captures were not replayed: options left them out.`,
  ];
  return texts.filter((text) => text !== false);
}
