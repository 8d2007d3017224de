/** What doctor has found, as text. */
import { counted, shown } from '../../codecs/text.js';
import { FINDINGS, findingLines } from '../findings.js';
import { columns, NO_BREAK, wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';
import { NEEDS, type Need } from './check.js';
import type { Diagnosis } from './diagnose.js';

const INDENT = '  ';

/** DIAGNOSIS in lines of at most WIDTH characters. */
export function formatDiagnosis(diagnosis: Diagnosis, style: Style, width: number): string {
  const { findings, clean, notMade, packets, uncertain } = diagnosis;
  const about = packets > 0 ? ` in ${counted(packets, 'packet')}` : '';
  const unsure = uncertain > 0 ? `; ${counted(uncertain, 'packet')} not judged: uncertain` : '';
  const count = findings.length === 0 ? 'no failure' : counted(findings.length, 'failure');
  const title = (findings.length === 0 ? style.green : style.red)(`${count} found${about}${unsure}`);
  const sections = [
    [title],
    ...findings.map((finding) => [
      style.yellow(finding.code),
      ...indented(findingLines(finding, style, width - INDENT.length)),
    ]),
    section('looked for, and not found', cleanLines(clean, findings.length === 0, width), style, width),
    ...notMadeSections(notMade, style, width),
    section('assumed', assumedLines(diagnosis.assumed, width), style, width),
  ];
  return `${sections
    .filter(({ length }) => length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** What the codes mean is only told where there is nothing else to read. */
function cleanLines(clean: Diagnosis['clean'], isTold: boolean, width: number): string[] {
  if (!isTold) return clean.length === 0 ? [] : wrapAfter(INDENT, clean.join(', '), width);
  const rows = clean.map((code) => [code, FINDINGS.doctor[code]]);
  return columns(rows, ['left', 'left'], width);
}

/** Settings are on one line; which neighbours were assumed is of no interest here. */
function assumedLines(assumed: readonly string[], width: number): string[] {
  const told = assumed.filter((line) => !line.startsWith('neighbour ')).map(shown);
  const isSetting = (line: string): boolean => line.includes(' = ');
  const settings = told.filter(isSetting).map((line) => line.replaceAll(' ', NO_BREAK));
  const texts = [...told.filter((line) => !isSetting(line)), ...(settings.length > 0 ? [settings.join(', ')] : [])];
  return texts.flatMap((text) => wrapAfter(INDENT, text, width));
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => INDENT + line);
}

function section(title: string, lines: readonly string[], style: Style, width: number): string[] {
  return lines.length === 0 ? [] : [...wrapAfter('', title, width).map(style.bold), ...lines];
}

/** The checks that could not be made, by what they lack. */
function notMadeSections(notMade: Diagnosis['notMade'], style: Style, width: number): string[][] {
  return (Object.keys(NEEDS) as Need[]).flatMap((need) => {
    // Without captures nothing else would help.
    const lacking = notMade.filter(({ lacks }) => lacks[0] === need).map(({ code }) => code);
    if (lacking.length === 0) return [];
    return [
      section(`not looked for, for lack of ${NEEDS[need]}`, wrapAfter(INDENT, lacking.join(', '), width), style, width),
    ];
  });
}
